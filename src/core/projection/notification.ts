import type { Phase } from '#core/incident/incident.ts';
import type { SentinelConfig } from '#core/policy/config-schema.ts';
import type { Severity } from '#core/policy/schema.ts';
import { cleanLine } from '#core/redaction/foreign-text.ts';
import { shortened } from '#lib/plain-text.ts';

/** Mildest first: how grave a notification is, and the mildest that a notifier wants. */
export type NotifierLevel = SentinelConfig['spec']['notifiers'][string]['level'];

const LEVELS: readonly NotifierLevel[] = ['all', 'warning', 'critical', 'escalated'];

/** What has happened. Each is an edge: it is told when it happens, not while it lasts. */
export type NotificationKind =
  | 'opened'
  | 'reopened'
  | 'worsened'
  | 'shadow'
  | 'approvalRequested'
  | 'approvalAnswered'
  | 'acted'
  | 'verificationFailed'
  | 'rolledBack'
  | 'escalated'
  /** Many incidents at once under one policy; told once for all of them. */
  | 'storm'
  | 'resolved';

/**
 * The journal's record that a notification speaks of. Kept by who receives it, it is the head that
 * `sentinel audit verify --head` compares a journal with.
 */
export interface JournalHead {
  readonly seq: number;
  readonly hash: string;
}

interface Place {
  /** One or two lines for people: what, why, result, what to do next. */
  readonly text: string;
  readonly host: string;
  /** RFC 3339, UTC. */
  readonly time: string;
}

interface RecordPlace extends Place {
  /** Id of the journal: with `seq` it tells a repeated delivery from a new one. */
  readonly journal: string;
  readonly seq: number;
  readonly head: JournalHead;
}

/** One change of one incident. Redacted, on one line each, without control characters. */
export interface IncidentNotification extends RecordPlace {
  readonly kind: NotificationKind;
  readonly level: NotifierLevel;
  readonly incident: string;
  readonly workload: string;
  readonly container: string;
  readonly policy: string;
  readonly phase: Phase;
  readonly severity: Severity;
  /** The reason, as the journal has it. */
  readonly message: string;
  /** It was told before, perhaps: Sentinel was started anew, and a person is still waited for. */
  readonly again?: true;
}

/** Several at once, when they come faster than anybody reads. */
export interface DigestNotification extends RecordPlace {
  readonly kind: 'digest';
  readonly level: NotifierLevel;
  /** How many changes it stands for, those included that were dropped before. */
  readonly count: number;
  readonly dropped: number;
  readonly counts: Readonly<Partial<Record<NotificationKind, number>>>;
  /** The gravest first, at most 50. */
  readonly incidents: readonly {
    readonly kind: NotificationKind;
    readonly incident: string;
    readonly workload: string;
    readonly policy: string;
    readonly phase: Phase;
    readonly severity: Severity;
    readonly seq: number;
  }[];
}

/** Sent to try a notifier out. */
export interface TestNotification extends Place {
  readonly kind: 'test';
}

/** What a notifier is given: plain JSON. */
export type Notification = IncidentNotification | DigestNotification | TestNotification;

export function isWanted(notification: { readonly level: NotifierLevel }, by: NotifierLevel) {
  return gravity(notification) >= LEVELS.indexOf(by);
}

export function gravity({ level }: { readonly level: NotifierLevel }): number {
  return LEVELS.indexOf(level);
}

const LINE_CHARS_MAX = 600;

/** Lines as people get them in a chat: redacted, bounded, and calling nobody. */
export function notificationText(lines: readonly string[]): string {
  return lines
    .filter((line) => line !== '')
    .map(harmless)
    .join('\n');
}

/** Foreign text (Docker's words, a name) on one line. */
export function harmless(text: string): string {
  return callingNobody(shortened(cleanLine(text), LINE_CHARS_MAX));
}

/** Chats read `<!channel>`, `@here` and the like as a call to everybody: a log must not page people. */
function callingNobody(text: string): string {
  return text
    .replaceAll(/<(?=[!@#])/g, '< ')
    .replaceAll(/@(?=(?:everyone|here|channel|all)\b)/gi, '@ ');
}

export function testNotification(name: string, at: { host: string; time: string }): Notification {
  const text = notificationText([
    `A test from Sentinel on ${at.host}: the notifier ${name} works.`,
    'Nothing has happened, and nothing needs to be done.',
  ]);
  return { kind: 'test', text, ...at };
}
