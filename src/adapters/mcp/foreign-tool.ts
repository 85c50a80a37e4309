import type { ToolDescription } from '#core/remediation/tools.ts';
import type { ToolDefinition } from './tool-definition.ts';
import type { ToolSchemas } from './tool-schemas.ts';

/** Where nobody has said how long a tool of another server may take. */
const TIMEOUT_MS = 60_000;

/**
 * A tool of another server, as policies see it. What the server says of it (harmless, read-only,
 * can be repeated) is not taken from it: it counts as acting, and as nothing that can be undone.
 */
export function describeForeign(
  name: string,
  { inputSchema }: ToolDefinition,
  schemas: ToolSchemas,
  timeoutMs = TIMEOUT_MS,
): ToolDescription {
  return {
    name,
    builtin: false,
    summary: '',
    readOnly: false,
    reversible: false,
    needsEnable: false,
    multiStep: false,
    cutsSharers: false,
    dockerPaths: [],
    events: {},
    sharerEvents: {},
    inputSchema,
    validate: (args, dynamic) => schemas.problems(args, dynamic),
    timeoutMs: () => timeoutMs,
  };
}
