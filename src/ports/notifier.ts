import type { Notification } from '#core/projection/notification.ts';

/** What became of one attempt to tell. */
export type Delivery =
  | { readonly delivered: true }
  | {
      readonly delivered: false;
      /** Whether the same attempt may succeed later without anybody changing anything. */
      readonly retryable: boolean;
      /** For people; holds no secret, and no part of a URL but its host. */
      readonly reason: string;
      /** The receiver wants this much rest first, milliseconds. */
      readonly retryAfterMs?: number;
    };

/**
 * A way to tell people. Delivery is at least once: an answer may be lost, and the notification comes
 * again; `journal` and `seq` in it tell the two apart. Bounded by the adapter's own timeout as well
 * as by `signal`. Failures are returned, since who sends decides what follows.
 */
export interface Notifier {
  send(notification: Notification, signal: AbortSignal): Promise<Delivery>;
}
