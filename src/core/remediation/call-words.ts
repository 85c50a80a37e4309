/** A call for people: `docker/update_resources {"memory":33554432}`. */
export function callWords(tool: string, args: unknown): string {
  if (args === null || typeof args !== 'object' || Object.keys(args).length === 0) return tool;
  return `${tool} ${JSON.stringify(args)}`;
}

/** What a decision in Shadow says on record. */
export function shadowWords({
  tool,
  action,
}: {
  readonly tool: string;
  readonly action: string;
}): string {
  return `would have called ${tool} (${action})`;
}
