import type { EscalationReason } from '#core/incident/incident.ts';
import type { SignalName } from '#core/policy/signals.ts';
import { BUILTIN_SERVER, type BuiltinToolName } from '#core/remediation/tools.ts';

/** What goes on while a threshold is breached, and what went on: both follow "it". */
interface TroublePhrase {
  readonly present: string;
  readonly past: string;
}

/** For those who are not engineers. What weighs most for whoever uses the service comes first. */
export const TROUBLE_PHRASES: Readonly<Record<SignalName, TroublePhrase>> = {
  absent: {
    present: 'should be there and is missing',
    past: 'should have been there and was missing',
  },
  exit: { present: 'has stopped unexpectedly', past: 'had stopped unexpectedly' },
  state: { present: 'is not running as it should', past: 'was not running as it should' },
  restarts: {
    present: 'stops and starts again and again',
    past: 'stopped and started again and again',
  },
  oomKilled: { present: 'has run out of memory', past: 'had run out of memory' },
  'probe.http': { present: 'does not answer as it should', past: 'did not answer as it should' },
  'probe.tcp': { present: 'does not answer', past: 'did not answer' },
  health: { present: 'fails its own health check', past: 'failed its own health check' },
  'namespace.lost': {
    present: 'has lost its connection to another service',
    past: 'had lost its connection to another service',
  },
  'disk.writable': { present: 'cannot save anything', past: 'could not save anything' },
  'memory.utilization': { present: 'uses too much memory', past: 'used too much memory' },
  'memory.workingSet': { present: 'uses too much memory', past: 'used too much memory' },
  'cpu.utilization': {
    present: 'uses too much computing power',
    past: 'used too much computing power',
  },
  'cpu.throttled': {
    present: 'is slowed down for lack of computing power',
    past: 'was slowed down for lack of computing power',
  },
  'pids.utilization': {
    present: 'does too many things at once',
    past: 'did too many things at once',
  },
  'memory.trend': {
    present: 'will soon run out of memory if it goes on like this',
    past: 'was about to run out of memory',
  },
  'pids.trend': {
    present: 'will soon do more things at once than it may if it goes on like this',
    past: 'was about to do more things at once than it may',
  },
  'log.errors': { present: 'reports many errors', past: 'reported many errors' },
  'log.matches': {
    present: 'reports what it is watched for',
    past: 'reported what it is watched for',
  },
  'log.anomaly': { present: 'reports unusual things', past: 'reported unusual things' },
  'log.rate': {
    present: 'reports unusually much or little',
    past: 'reported unusually much or little',
  },
  'network.rx': {
    present: 'receives an unusual amount of data',
    past: 'received an unusual amount of data',
  },
  'network.tx': {
    present: 'sends an unusual amount of data',
    past: 'sent an unusual amount of data',
  },
  'blkio.read': {
    present: 'reads an unusual amount of data',
    past: 'read an unusual amount of data',
  },
  'blkio.write': {
    present: 'saves an unusual amount of data',
    past: 'saved an unusual amount of data',
  },
};

/** For a threshold that is an expression. */
export const OTHER_TROUBLE: TroublePhrase = {
  present: 'does not behave as its rules want',
  past: 'did not behave as its rules want',
};

/** What an action does with the service: after "Sentinel", "Sentinel is", and "to". */
export interface ActionPhrase {
  readonly did: string;
  readonly doing: string;
  readonly infinitive: string;
}

const ACTION_PHRASES: Readonly<Partial<Record<BuiltinToolName, ActionPhrase>>> = {
  restart_container: { did: 'restarted it', doing: 'restarting it', infinitive: 'restart it' },
  start_container: { did: 'started it', doing: 'starting it', infinitive: 'start it' },
  stop_container: { did: 'stopped it', doing: 'stopping it', infinitive: 'stop it' },
  pause_container: { did: 'paused it', doing: 'pausing it', infinitive: 'pause it' },
  unpause_container: {
    did: 'let it go on',
    doing: 'letting it go on',
    infinitive: 'let it go on',
  },
  kill_container: {
    did: 'sent it a signal',
    doing: 'sending it a signal',
    infinitive: 'send it a signal',
  },
  update_resources: {
    did: 'changed how much memory and computing power it may use',
    doing: 'changing how much memory and computing power it may use',
    infinitive: 'change how much memory and computing power it may use',
  },
  exec_command: {
    did: 'ran a prepared command in it',
    doing: 'running a prepared command in it',
    infinitive: 'run a prepared command in it',
  },
  update_env_vars: {
    did: 'changed its settings',
    doing: 'changing its settings',
    infinitive: 'change its settings',
  },
  recreate_container: {
    did: 'set it up anew',
    doing: 'setting it up anew',
    infinitive: 'set it up anew',
  },
  rollback_image: {
    did: 'went back to an earlier version of it',
    doing: 'going back to an earlier version of it',
    infinitive: 'go back to an earlier version of it',
  },
};

/** A tool of another server is called by the name that the policy gives to the action. */
export function actionPhrase({
  tool,
  action,
}: {
  readonly tool: string;
  readonly action: string;
}): ActionPhrase {
  const [server, name = ''] = tool.split('/');
  const known =
    server === BUILTIN_SERVER && Object.hasOwn(ACTION_PHRASES, name)
      ? ACTION_PHRASES[name as BuiltinToolName]
      : undefined;
  return (
    known ?? {
      did: `carried out the step ${action}`,
      doing: `carrying out the step ${action}`,
      infinitive: `carry out the step ${action}`,
    }
  );
}

/** Why a person was asked: follows a colon. */
const ESCALATION_PHRASES: Readonly<Record<EscalationReason, string>> = {
  LadderExhausted: 'everything that Sentinel may do was tried',
  LimitReached: 'Sentinel has tried as often as it may',
  StormActive: 'many services have trouble at the same time',
  NoAction: 'there is nothing that Sentinel may do about this kind of problem',
  IntentUnknown: 'it is not known whether somebody wanted it to stop',
  ForeignEvent: 'somebody or something else acted on it at the same moment',
  NeedsRecreate: 'it has to be set up anew by hand',
  Blocked: 'for a while nothing could be done',
  VerificationFailed: 'what Sentinel did has not helped',
  ModelAdvice: 'a language model thinks that somebody should look',
  HumanAction: 'somebody has taken it away',
};

export function escalationPhrase(reason: string): string {
  return Object.hasOwn(ESCALATION_PHRASES, reason)
    ? ESCALATION_PHRASES[reason as EscalationReason]
    : 'Sentinel cannot go on by itself';
}
