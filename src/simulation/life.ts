/** One life of a process: what it began does not go on after its death. */
export interface Life {
  isOver: boolean;
}

/**
 * What a process sees of a thing outside of it. When its life is over, answers do not reach it any
 * more, callbacks do not run, and it begins nothing new: as after a SIGKILL, at whatever await.
 */
export function mortal<Thing extends object>(thing: Thing, life: Life): Thing {
  return new Proxy(thing, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        if (life.isOver) return NEVER;
        const living = args.map((arg) => (typeof arg === 'function' ? callback(arg, life) : arg));
        return answer(Reflect.apply(value, target, living), life);
      };
    },
  });
}

const NEVER = new Promise<never>(() => undefined);

function callback(run: Function, life: Life) {
  return (...args: unknown[]): unknown =>
    life.isOver ? undefined : Reflect.apply(run, undefined, args);
}

function answer(value: unknown, life: Life): unknown {
  if (value instanceof Promise) return whileAlive(value, life);
  if (isAsyncIterable(value)) return iterate(value, life);
  return value;
}

async function whileAlive<Value>(promise: Promise<Value>, life: Life): Promise<Value> {
  try {
    const value = await promise;
    return life.isOver ? await NEVER : value;
  } catch (error) {
    if (life.isOver) await NEVER;
    throw error;
  }
}

async function* iterate<Value>(values: AsyncIterable<Value>, life: Life): AsyncIterable<Value> {
  const iterator = values[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await whileAlive(iterator.next(), life);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    if (!life.isOver) await iterator.return?.();
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
