import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { z } from 'zod';

/** One entry of `tools/list`: what is pinned of it is what a model or a caller could be misled by. */
export const ToolDefinition = z.looseObject({
  name: z.string().min(1).max(128),
  description: z.string().optional(),
  inputSchema: z.looseObject({ type: z.literal('object') }),
  outputSchema: z.looseObject({}).optional(),
  annotations: z.looseObject({}).optional(),
});
export type ToolDefinition = z.output<typeof ToolDefinition>;

/** sha256, in hex, over the canonical JSON (RFC 8785) of the pinned fields. */
export function digestOf(tool: ToolDefinition): string {
  const { name, description, inputSchema, outputSchema, annotations } = tool;
  const pinned = {
    name,
    ...(description === undefined ? {} : { description }),
    inputSchema,
    ...(outputSchema === undefined ? {} : { outputSchema }),
    ...(annotations === undefined ? {} : { annotations }),
  };
  return createHash('sha256')
    .update(canonicalize(pinned) ?? '')
    .digest('hex');
}

/**
 * Tools by which a gateway changes its own set of tools, or runs what the caller writes: a policy
 * that named them would permit anything.
 */
const REFUSED_NAMES: ReadonlySet<string> = new Set([
  'mcp-find',
  'mcp-add',
  'mcp-exec',
  'mcp-remove',
  'mcp-config-set',
  'code-mode',
]);

export function isRefusedName(name: string): boolean {
  return REFUSED_NAMES.has(name.toLowerCase().replaceAll('_', '-'));
}
