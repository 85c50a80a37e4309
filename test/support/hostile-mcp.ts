/** What a test makes a hostile server say, as arguments of its tool `say`. */
export interface Said {
  /** Sent as it is, `$ID` being the id of the call; on a stream that ends with it. */
  readonly text: string;
  /** Over HTTP. */
  readonly status?: number;
  readonly type?: string;
  /** The text is sent again and again, until whoever reads hangs up. */
  readonly endless?: boolean;
}

interface Request {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly name?: string; readonly arguments?: Said };
}

const OUTPUT = {
  type: 'object',
  properties: { sum: { type: 'number' } },
  required: ['sum'],
};
const TOOLS = [
  { name: 'say', inputSchema: { type: 'object' }, outputSchema: OUTPUT },
  { name: 'mumble', inputSchema: { type: 'object' } },
];

/**
 * Answers every request as a server should, but a call of `say`: there it sends what it was told.
 *
 * @param tools what is listed in place of its own
 */
export function hostileAnswer(message: unknown, tools: unknown = TOOLS): Said | undefined {
  const { id, method, params } = message as Request;
  if (id === undefined || method === undefined) return undefined;
  if (method === 'tools/call' && params?.name === 'say' && params.arguments !== undefined) {
    const { text, ...rest } = params.arguments;
    return { ...rest, text: text.replaceAll('$ID', String(id)) };
  }
  const text = JSON.stringify({ jsonrpc: '2.0', id, result: resultOf(method, tools) });
  return { text, type: 'application/json' };
}

function resultOf(method: string, tools: unknown): unknown {
  if (method === 'initialize') {
    return {
      protocolVersion: '2025-06-18',
      capabilities: { tools: { listChanged: true } },
      serverInfo: { name: 'hostile', version: '1' },
    };
  }
  return method === 'tools/list' ? { tools } : {};
}
