import type { RefusalReason } from '#core/remediation/refusal.ts';

/** What a refusal means to a person, and what that person can do about it. */
export interface RefusalWords {
  readonly meaning: string;
  /** The same for those who are not engineers, where the meaning needs one. */
  readonly plain?: string;
  /** Absent: it ends by itself, and waiting is the right thing. */
  readonly remedy?: string;
}

export const REFUSAL_WORDS: Readonly<Record<RefusalReason, RefusalWords>> = {
  ModeOff: {
    meaning: 'the policy is switched off',
    plain: 'its rules are switched off',
    remedy: 'Give the policy another mode than Off, if Sentinel is to watch this at all.',
  },
  SelfProtection: {
    meaning: 'Sentinel never touches itself or what it needs in order to work',
    remedy: 'Act on this container by hand.',
  },
  Unsupported: {
    meaning: 'this container cannot be acted on in this way',
    plain: 'Sentinel has no safe way to act on it',
    remedy: 'Act by hand, or put an action that fits into the policy.',
  },
  AmbiguousWorkload: {
    meaning: 'several containers claim to be this workload',
    plain: 'it is not clear which of several copies is the right one',
    remedy: 'Remove the containers that are not wanted (docker ps -a shows them).',
  },
  PolicyConflict: {
    meaning: 'policies of the same priority both want to govern it',
    plain: 'two sets of rules both want to decide about it',
    remedy: 'Raise the priority of one of them, or set the label sre-sentinel.policy=NAME.',
  },
  SentinelPaused: {
    meaning: 'somebody paused Sentinel',
    remedy: 'End the pause with: sentinel resume (--all, --policy NAME or --workload KEY).',
  },
  WorkloadPaused: {
    meaning: 'a label on the container keeps Sentinel away',
    plain: 'it is marked so that Sentinel keeps away from it',
    remedy: 'Recreate the container without the label sre-sentinel.pause.',
  },
  HumanAction: {
    meaning: 'a person acted on it, and Sentinel does not fight people',
    remedy: 'Start it (docker start), and Sentinel takes care of it again.',
  },
  IntentUnknown: {
    meaning: 'nobody saw why it stopped, so somebody may have wanted it stopped',
    remedy:
      'Start it by hand, or let Sentinel do it with: sentinel approve INCIDENT --candidate ACTION.',
  },
  DeploymentInProgress: {
    meaning: 'a deployment seems to be under way',
    plain: 'a new version of it seems to be on its way',
  },
  EngineRestarting: {
    meaning: 'Docker itself is restarting or removing it',
    plain: 'it is being restarted or removed already',
  },
  Settling: {
    meaning: 'Docker came back a moment ago, and everything may still settle',
    plain: 'the system came back a moment ago, and everything may still settle',
  },
  NeedsRecreate: {
    meaning:
      'it lives in the namespace of a container that is gone; a restart would stop it for good',
    plain: 'what it was attached to is gone, and a restart would stop it for good',
    remedy: 'Recreate it with the command above.',
  },
  ActionInFlight: { meaning: 'another action on it is not finished yet' },
  DependencyFailing: {
    meaning: 'what it depends on is broken, and acting there comes first',
    remedy: 'Look at the dependency: sentinel get incidents --open.',
  },
  LogTriggered: {
    meaning: 'only log lines ask for it, which anyone can write who can make it log',
    plain: 'only its own reports ask for it, which strangers may have caused',
    remedy: 'Set allowLogTriggered in the policy, if its log can be trusted.',
  },
  DeniedWindow: {
    meaning: 'the policy denies actions at this time',
    plain: 'its rules allow nothing at this time',
  },
  StormActive: {
    meaning: 'many incidents at once point to a common cause that no restart mends',
    remedy: 'Look for what they have in common: the disk, the network, DNS, the host.',
  },
  Backoff: { meaning: 'the last attempt was a short while ago, and each waits longer' },
  Cooldown: { meaning: 'this action ran a short while ago and must rest' },
  LimitReached: {
    meaning: 'this action has been tried as often as the policy allows',
    plain: 'this has been tried as often as its rules allow',
    remedy: 'Find the cause: doing the same once more will not mend it.',
  },
  BudgetExhausted: {
    meaning: 'too much is being acted on, or too little is healthy, to touch more',
    remedy: 'See which others are unhealthy: sentinel get workloads.',
  },
  HostBudgetExhausted: {
    meaning: 'Sentinel has done as much on this host as it may in so short a time',
    plain: 'Sentinel has done as much as it may in so short a time',
    remedy: 'See what else went wrong: sentinel get remediations.',
  },
  DependentNotPermitted: {
    meaning: 'it would also touch another workload, whose policy or state forbids that',
    plain: 'it would also touch another service, which must not be touched',
    remedy:
      'Allow it in the other workload’s policy too, wait until that permits it, or act by hand.',
  },
  ToolsNotReady: {
    meaning: 'the tool cannot be called',
    plain: 'what Sentinel needs for it is not ready',
    remedy: 'See what is missing: sentinel mcp tools, sentinel doctor.',
  },
  NoChange: { meaning: 'it would change nothing' },
  ArgumentsInvalid: {
    meaning: 'its arguments cannot be worked out, or would do harm',
    plain: 'how to do it cannot be worked out, or would do harm',
    remedy: 'Check the arguments of the action in the policy: sentinel validate.',
  },
  JournalUnavailable: {
    meaning: 'the journal cannot be written, and nothing is done off the record',
    plain: 'Sentinel cannot keep its records, and does nothing off the record',
    remedy: 'See to the disk of the data directory: sentinel doctor.',
  },
  Denied: {
    meaning: 'a person said no to it',
    remedy: 'Take the no back with: sentinel approve INCIDENT --candidate ID.',
  },
  ApprovalRequired: {
    meaning: 'the policy wants a person to say yes first',
    plain: 'its rules want a person to say yes first',
    remedy: 'Say so with: sentinel approve INCIDENT, or sentinel deny INCIDENT --reason TEXT.',
  },
  Shadow: {
    meaning: 'Sentinel only watches here; it would have acted',
    remedy: 'When you trust what it would have done, give the policy the mode Approve or Auto.',
  },
};

/** A reason of a newer or older version has no words here. */
export function refusalWords(reason: string): RefusalWords {
  return Object.hasOwn(REFUSAL_WORDS, reason)
    ? REFUSAL_WORDS[reason as RefusalReason]
    : { meaning: reason };
}
