import type { Notification } from '#core/projection/notification.ts';
import type { Notifier } from '#ports/notifier.ts';

/** `down`: may work later. `refuse`: never will. `hang`: no answer, whatever the signal says. */
export type NotifierFault = 'down' | 'refuse' | 'hang' | 'throw';

export interface MemoryNotifier extends Notifier {
  /** @param retryAfterMs what `down` asks for */
  setFault(fault: NotifierFault | undefined, retryAfterMs?: number): void;
  /** What was delivered, oldest first. */
  readonly delivered: readonly Notification[];
  /** How often it was tried. */
  attempts(): number;
}

/** A notifier that remembers, for tests and simulation. */
export function createMemoryNotifier(): MemoryNotifier {
  const delivered: Notification[] = [];
  let attempts = 0;
  let fault: NotifierFault | undefined;
  let rest: { readonly retryAfterMs?: number } = {};

  return {
    async send(notification) {
      attempts += 1;
      switch (fault) {
        case undefined:
          delivered.push(notification);
          return { delivered: true };
        case 'hang':
          return new Promise<never>(() => undefined);
        case 'throw':
          throw new TypeError('a bug in a notifier');
        case 'down':
        case 'refuse':
          return { delivered: false, retryable: fault === 'down', reason: fault, ...rest };
      }
    },
    setFault: (next, retryAfterMs) => {
      fault = next;
      rest = retryAfterMs === undefined ? {} : { retryAfterMs };
    },
    delivered,
    attempts: () => attempts,
  };
}
