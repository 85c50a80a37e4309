import { z } from 'zod';
import {
  type BuiltinToolName,
  isBuiltinToolName,
  TOOL_INPUTS,
} from '#core/remediation/tool-arguments.ts';
import { BUILTIN_TOOLS } from '#core/remediation/tools.ts';
import type { ToolDefinition } from './tool-definition.ts';

/** Tools of the built-in server that no policy can name: only Sentinel itself calls them. */
export const RECOVER_TOOL = 'recover_intent';
export const SETTLE_TOOL = 'settle_intent';

const CONTAINERS_MAX = 64;
const ContainerId = z.string().regex(/^[0-9a-f]{64}$/, 'must be a full container id');
/** It goes into container names, and is told apart there by its alphabet. */
const IntentId = z.string().regex(/^[a-z0-9]{1,64}$/, 'must be 1 to 64 of a-z and 0-9');
const State = z.enum(['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead']);

/** The part of an acting call that Sentinel binds. */
export const BoundActing = z.object({
  target: ContainerId.describe('The container to act on.'),
  expect: z
    .array(
      z.strictObject({
        id: ContainerId,
        startedAtMs: z.int().optional().describe('Absent when it never ran.'),
        state: State,
      }),
    )
    .min(1)
    .max(CONTAINERS_MAX)
    .describe(
      'What the containers must still be, as inspect_container says under expect: the target ' +
        'first, then each that has to follow it. On a difference nothing is done.',
    ),
  intentId: IntentId.describe(
    'Names the attempt: in the result, and in names of set-aside containers.',
  ),
});
/** The part of a reading call that Sentinel binds. */
export const BoundReading = z.object({
  target: z.string().min(1).max(256).describe('Id or name of a container.'),
});
export const BoundIntent = z.strictObject({ intentId: IntentId });

/** How every built-in tool answers, in `structuredContent`, errors included. */
export const StructuredResult = z.strictObject({
  outcome: z.enum(['Succeeded', 'Failed', 'NotExecuted', 'OutcomeUnknown']),
  reason: z.string().optional().describe('With NotExecuted.'),
  message: z.string().optional().describe('Unless Succeeded.'),
  result: z.record(z.string(), z.json()).optional().describe('With Succeeded.'),
  forbidden: z.boolean().optional().describe('The engine, or a proxy before it, answered 403.'),
});

const OUTPUT_SCHEMA = z.toJSONSchema(StructuredResult);
/** What a run that is repeated by mistake does not make worse. */
const IDEMPOTENT: ReadonlySet<string> = new Set([
  'start_container',
  'stop_container',
  'pause_container',
  'unpause_container',
  'update_resources',
  RECOVER_TOOL,
  SETTLE_TOOL,
]);
const GENTLE: ReadonlySet<string> = new Set([
  'start_container',
  'unpause_container',
  'update_resources',
]);

/** Which bound part a tool of the built-in server takes. */
export function boundSchemaOf(tool: BuiltinToolName): z.ZodObject | undefined {
  if (!BUILTIN_TOOLS[tool].readOnly) return BoundActing;
  return tool === 'list_containers' ? undefined : BoundReading;
}

/** Everything that the built-in server lists. */
export function builtinDefinitions({
  readOnly,
}: {
  readonly readOnly: boolean;
}): readonly ToolDefinition[] {
  const tools = Object.keys(TOOL_INPUTS).filter(isBuiltinToolName);
  const listed = tools.filter((tool) => !readOnly || BUILTIN_TOOLS[tool].readOnly).map(define);
  return readOnly ? listed : [...listed, ...INTENT_TOOLS];
}

function define(tool: BuiltinToolName): ToolDefinition {
  const { readOnly, summary } = BUILTIN_TOOLS[tool];
  const input: z.ZodObject = TOOL_INPUTS[tool];
  const bound = boundSchemaOf(tool)?.shape ?? {};
  return {
    name: tool,
    description: summary,
    inputSchema: jsonSchema(z.strictObject({ ...bound, ...input.shape })),
    outputSchema: OUTPUT_SCHEMA,
    annotations: annotationsOf(tool, readOnly),
  };
}

const INTENT_TOOLS: readonly ToolDefinition[] = [
  {
    name: RECOVER_TOOL,
    description:
      'Returns to the containers that an intent has set aside, and removes what it made.',
    inputSchema: jsonSchema(BoundIntent),
    outputSchema: OUTPUT_SCHEMA,
    annotations: annotationsOf(RECOVER_TOOL, false),
  },
  {
    name: SETTLE_TOOL,
    description: 'Removes the containers that a verified intent had set aside.',
    inputSchema: jsonSchema(BoundIntent),
    outputSchema: OUTPUT_SCHEMA,
    annotations: annotationsOf(SETTLE_TOOL, false),
  },
];

function annotationsOf(tool: string, readOnlyHint: boolean): Record<string, unknown> {
  if (readOnlyHint) return { readOnlyHint, openWorldHint: false };
  return {
    readOnlyHint,
    destructiveHint: !GENTLE.has(tool),
    idempotentHint: IDEMPOTENT.has(tool),
    openWorldHint: false,
  };
}

function jsonSchema(schema: z.ZodObject): ToolDefinition['inputSchema'] {
  return { ...z.toJSONSchema(schema, { io: 'input' }), type: 'object' };
}
