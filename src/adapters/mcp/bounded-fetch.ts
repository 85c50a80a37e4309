/** As large as what a program may write in one line: the SDK's own bound there. */
const MESSAGE_BYTES_MAX = 10 * 2 ** 20;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * `fetch` whose answers are bounded: a body as a whole, an event stream from one blank line to the
 * next. The SDK keeps what it reads of either until it is complete.
 */
export async function boundedFetch(url: string | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  const { body, status, statusText, headers } = response;
  if (body === null) return response;
  const isStream = headers.get('content-type')?.includes('text/event-stream') === true;
  return new Response(body.pipeThrough(bound(isStream)), { status, statusText, headers });
}

function bound(isStream: boolean): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  let last: number | undefined;
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.length;
      if (isStream) {
        const end = endOfEvent(chunk, last);
        if (end !== undefined) bytes = chunk.length - end;
        last = chunk.at(-1) ?? last;
      }
      if (bytes > MESSAGE_BYTES_MAX) {
        throw new Error(`the answer is larger than ${MESSAGE_BYTES_MAX} bytes`);
      }
      controller.enqueue(chunk);
    },
  });
}

/**
 * Where the last event of a chunk ends: at two line breaks in a row, `\r\n` being one.
 *
 * @param before the byte before the chunk
 */
function endOfEvent(chunk: Uint8Array, before: number | undefined): number | undefined {
  for (let at = chunk.length - 1; at >= 0; at -= 1) {
    const byte = chunk[at];
    if (byte !== LINE_FEED && byte !== CARRIAGE_RETURN) continue;
    const previous = at === 0 ? before : chunk[at - 1];
    // Of `\n\r\n` the middle is seen one step later.
    const isBlank = previous === byte || (byte === CARRIAGE_RETURN && previous === LINE_FEED);
    if (isBlank) return at + 1;
  }
  return undefined;
}
