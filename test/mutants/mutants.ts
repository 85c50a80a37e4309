/** A fault to plant: one place in one file reads otherwise. */
export interface Mutant {
  readonly file: string;
  /** Text that occurs once in the file. */
  readonly old: string;
  readonly new: string;
  /** What is wrong then, in one sentence. */
  readonly what: string;
  /** A file of the integration tests that notices; absent where the unit tests or the simulation do. */
  readonly by?: string;
}

/**
 * Kept as data, so that a change of the code tells which of them no longer fit: the script refuses a text
 * that is not there once.
 */
export const MUTANTS: readonly Mutant[] = [
  {
    file: 'src/controller/executor.ts',
    old: `    if (this.#stopping.signal.aborted) return notExecuted('Stopping', 'Sentinel is stopping');
`,
    new: '',
    what: 'A call is begun while Sentinel is stopping.',
  },
  {
    file: 'src/controller/executor.ts',
    old: 'if (now?.id !== container || now.startedAtMs !== startedAtMs) {',
    new: 'if (now?.id !== container) {',
    what: 'The second look does not see that the container was started anew.',
  },
  {
    file: 'src/controller/executor.ts',
    old: 'if (canonicalJson(intended) !== canonicalJson(considered.candidate.affects)) {',
    new: 'if (false) {',
    what: 'The second look does not see that the action would now touch other workloads.',
  },
  {
    file: 'src/controller/executor.ts',
    old: 'if (this.#settling.has(intent) || handsOff(world(), key) !== undefined) return;',
    new: 'if (this.#settling.has(intent)) return;',
    what: 'What was set aside is removed though the policy or a pause says hands off.',
  },
  {
    file: 'src/controller/executor.ts',
    old: `if (effect.kind === 'Execute' || effect.kind === 'Rollback') this.#uncalled.add(effect.intent);`,
    new: `if (effect.kind === 'Execute') this.#uncalled.add(effect.intent);`,
    what: 'A rollback counts as called before it was, so that foreign events look like ours.',
  },
  {
    file: 'src/controller/executor.ts',
    old: `      this.#uncalled.delete(attempt.intent);
      return ended(await this.#options.actions.recover(rollbackOf, NEVER), world, original);`,
    new: '      return ended(await this.#options.actions.recover(rollbackOf, NEVER), world, original);',
    what: 'Events of a rollback by recovery are not known as ours.',
  },
  {
    file: 'src/controller/executor.ts',
    old: `if (recovered.outcome === 'OutcomeUnknown' || isNotReady(recovered)) {`,
    new: 'if (isNotReady(recovered)) {',
    what: 'A recovery whose fate is unknown is not tried again.',
  },
  {
    file: 'src/actions/recover.ts',
    old: `it.name === name && it.state === 'running'`,
    new: 'it.name === name',
    what: 'A set-aside container is removed though its successor does not run.',
  },
  {
    file: 'src/controller/observer.ts',
    old: 'return String(BigInt(this.#lastNano) - OVERLAP_NANO);',
    new: 'return this.#lastNano;',
    what: 'A stream is resumed exactly at its last event, so that an event out of order is missed.',
  },
  {
    file: 'src/controller/observer.ts',
    old: 'this.#isHearing = !ended.aborted;',
    new: 'this.#isHearing = true;',
    what: 'The observer claims to hear although the stream broke while it caught up.',
  },
  {
    file: 'src/controller/observer.ts',
    old: `    if (look !== undefined) look.answered = Number.POSITIVE_INFINITY;
`,
    new: '',
    what: 'A look that is under way brings a destroyed container back.',
  },
  {
    file: 'src/controller/observer.ts',
    old: 'const queue = [...summaries, ...others].map(({ id }) => id);',
    new: 'const queue = [...summaries].map(({ id }) => id);',
    what: 'A container that a list does not have is not asked for, and stays for ever.',
  },
  {
    file: 'src/core/time.ts',
    old: 'from.atMs + Math.max(0, elapsedMs)',
    new: 'from.atMs + elapsedMs',
    what: 'Controller time falls when the wall clock is set back.',
  },
  {
    file: 'src/core/time.ts',
    old: 'from.boot.id === to.boot.id ? to.boot.ms - from.boot.ms : to.wallMs - from.wallMs',
    new: 'to.boot.ms - from.boot.ms',
    what: 'The boot clock of another boot is taken for the same.',
  },
  {
    file: 'src/core/remediation/rollback.ts',
    old: `    deployedAtMs >= sinceMs ||
`,
    new: '',
    what: 'An attempt is undone over a deployment that came since.',
  },
  {
    file: 'src/core/remediation/guards-rate.ts',
    old: 'atMs > nowMs - maxActions.perMs && intent !== context.ownIntent',
    new: 'atMs > nowMs - maxActions.perMs',
    what: 'An intent uses up the host limit against itself.',
  },
  {
    file: 'src/core/remediation/still-breached.ts',
    old: `(byUs && verdict?.kind === 'Clear')`,
    new: `(byUs || verdict?.kind === 'Clear')`,
    what: 'What is clear counts as breached although nobody of ours stopped the container.',
  },
  {
    file: 'src/controller/controller.ts',
    old: `          rollbackOf === undefined
            ? ({ kind: 'Recover', intent, message: recovered.message } as const)
            : ({ kind: 'Rollback', intent, rollbackOf } as const);`,
    new: `          ({ kind: 'Recover', intent, message: recovered.message }) as const;`,
    what: 'A rollback that a crash left open is recovered as if it were an action.',
  },
  {
    file: 'src/core/remediation/set-aside.ts',
    old: `verification === 'None' || (verification === 'Failed' && outcome === 'OutcomeUnknown')`,
    new: `verification === 'None'`,
    what: 'What an action of unknown outcome set aside is removed.',
  },
  {
    file: 'src/core/remediation/set-aside.ts',
    old: `verification === 'Pending' || isBeingUndone) {`,
    new: `verification === 'Pending') {`,
    what: 'What was set aside is removed while a rollback needs it.',
  },
  {
    file: 'src/controller/controller.ts',
    old: 'if (this.#observer.isHearing()) this.#synced();',
    new: 'this.#synced();',
    what: 'A resync notes what it finds although events are being missed.',
  },
  {
    file: 'src/core/journal/reduce-remediation.ts',
    old: `          doubt(state.workloads[workload], data.intent, place);
`,
    new: '',
    what: 'A container that an action of unknown outcome left down counts as stopped by Sentinel, and is acted on.',
  },
  {
    file: 'src/core/remediation/reconsider.ts',
    old: '      trigger === attempt.trigger && (id',
    new: '      (id',
    what: 'The second look accepts another trigger than the one that was intended.',
  },
  {
    file: 'src/core/remediation/guards-tool.ts',
    old: `  if (deployedAtMs(world, view) !== undefined) return held('a deployment is in progress');
`,
    new: '',
    what: 'A dependent amid its deployment is touched.',
  },
  {
    file: 'src/controller/journal/writer.ts',
    old: 'const sync = this.#syncWanted || batch.endsSegment || this.#failures > 0;',
    new: 'const sync = false;',
    what: 'Nothing is ever synced.',
  },
  {
    file: 'src/controller/journal/writer.ts',
    old: 'this.#syncWanted || batch.endsSegment || this.#failures > 0',
    new: 'this.#syncWanted || this.#failures > 0',
    what: 'A segment is not durable before the next begins.',
  },
  {
    file: 'src/core/remediation/guards-people.ts',
    old: `pauseKey('policy', policy), pauseKey('workload', key)]`,
    new: `pauseKey('policy', policy)]`,
    what: 'A pause of one workload is not heeded.',
  },
  {
    file: 'src/core/remediation/guards-people.ts',
    old: 'return value !== undefined && !/^(?:false|0|no|off)$/i.test(value.trim());',
    new: `return value === 'true';`,
    what: 'A pause label with another value than true does not pause.',
  },
  {
    file: 'src/core/remediation/guards-people.ts',
    old: `  if (hold.kind === 'pause' && view.container?.state === 'running') return undefined;
`,
    new: '',
    what: 'A container that runs again after a missed unpause stays a person’s.',
  },
  {
    file: 'src/core/remediation/guards-people.ts',
    old: `return container.error === '' && !isWitnessedExit(container, history);`,
    new: 'return !isWitnessedExit(container, history);',
    what: 'A start that failed waits for a person.',
  },
  {
    file: 'src/core/remediation/guards-people.ts',
    old: 'keysOfProject(world.state, `${prefixOf(host, project)}/`)',
    new: 'keysOfProject(world.state, prefixOf(host, project))',
    what: 'A deployment of project shop2 blocks project shop.',
  },
  {
    file: 'src/core/remediation/guards-people.ts',
    old: 'if (!isIntentUnknown(view, history) || incident.approved === candidate.id) return undefined;',
    new: 'if (!isIntentUnknown(view, history)) return undefined;',
    what: 'An approval does not lift IntentUnknown.',
  },
  {
    file: 'src/core/remediation/guards-rate.ts',
    old: 'candidate.affects.includes(workload)',
    new: 'candidate.affects[0] === workload',
    what: 'Two actions may touch one dependent at once.',
  },
  {
    file: 'src/core/remediation/guards-rate.ts',
    old: 'NOT_EXECUTED_REST_MS * factor ** (idle.count - 1)',
    new: 'NOT_EXECUTED_REST_MS',
    what: 'Intents that are not executed are not backed off from.',
  },
  {
    file: 'src/core/remediation/guards-rate.ts',
    old: '(entry) => entry.policy === policy.name,',
    new: '() => true,',
    what: 'Shadow counts the decisions of another policy.',
  },
  {
    file: 'src/core/remediation/guards-rate.ts',
    old: `    if (candidate.affects.includes(view.key)) continue;
`,
    new: '',
    what: 'minHealthy counts the workload that is acted on.',
  },
  {
    file: 'src/core/remediation/guards-rate.ts',
    old: 'if (incident.policy.name !== policy.name || !isOpen(incident)) return false;',
    new: 'if (!isOpen(incident)) return false;',
    what: 'maxConcurrent counts the actions of other policies.',
  },
  {
    file: 'src/core/remediation/guards-rate.ts',
    old: 'filter(({ incident }) => incident === context.incident.name)',
    new: 'filter(() => true)',
    what: 'Backoff counts the attempts of earlier incidents.',
  },
  {
    file: 'src/core/remediation/guards-target.ts',
    old: `for (const key of candidate.affects) {
      const id = world.views`,
    new: `for (const key of candidate.affects.slice(0, 1)) {
      const id = world.views`,
    what: 'Sentinel is not protected as the dependent of another workload.',
  },
  {
    file: 'src/core/remediation/guards-target.ts',
    old: `if (state === 'restarting' && candidate.action.tool === UPDATE_RESOURCES) return undefined;`,
    new: '',
    what: 'Limits are not raised between two runs of a container in a restart loop.',
  },
  {
    file: 'src/core/remediation/guards-target.ts',
    old: `  if (container.health?.status === 'unhealthy') return 'is unhealthy';
`,
    new: '',
    what: 'An unhealthy dependency does not count as failing.',
  },
  {
    file: 'src/core/remediation/guards-target.ts',
    old: `container.state === 'exited' && container.exitCode === 0`,
    new: `container.state === 'exited'`,
    what: 'A one-off dependency that failed counts as completed.',
  },
  {
    file: 'src/core/remediation/guards-target.ts',
    old: '(LOSES_AUTO_REMOVED.has(tool) || candidate.tool?.multiStep === true)',
    new: 'LOSES_AUTO_REMOVED.has(tool)',
    what: 'A container with --rm is recreated, and lost.',
  },
  {
    file: 'src/core/remediation/guards-tool.ts',
    old: 'return { message, isPassing: true, recheckAtMs: world.nowMs + SERVER_RECHECK_MS };',
    new: 'return { message, recheckAtMs: world.nowMs + SERVER_RECHECK_MS };',
    what: 'A server that is away for a moment drives the incident up the ladder.',
  },
  {
    file: 'src/core/remediation/guards-tool.ts',
    old: `if (action.approval === 'Required' && candidate.action.approval !== 'Required') {`,
    new: 'if (false) {',
    what: 'A dependent whose policy asks for an approval is touched without one.',
  },
  {
    file: 'src/core/remediation/guards-tool.ts',
    old: 'if (LAXNESS[theirs] < LAXNESS[own])',
    new: 'if (LAXNESS[theirs] > LAXNESS[own])',
    what: 'A dependent under a stricter mode is touched.',
  },
  {
    file: 'src/core/remediation/verify.ts',
    old: '${attempt.intent} ${view.container?.id} ${view.container?.startedAtMs}',
    new: '${attempt.intent} ${view.container?.id}',
    what: 'Verification goes on counting over a restart.',
  },
  {
    file: 'src/core/remediation/verify.ts',
    old: 'if (exit === undefined || exit.atMs <= (attempt.endedAtMs ?? 0)) return undefined;',
    new: 'if (exit === undefined) return undefined;',
    what: 'An exit from before the action fails its verification.',
  },
  {
    file: 'src/core/remediation/verify.ts',
    old: `  if (exit.cause === 'Sentinel') return undefined;
`,
    new: '',
    what: 'The stop of our own restart fails its verification.',
  },
  {
    file: 'src/core/remediation/verify.ts',
    old: 'Math.min(latestMs, Math.max(byHealth, byStart, ...bySight))',
    new: 'Math.max(byHealth, byStart, ...bySight)',
    what: 'A container that keeps restarting moves the deadline of its verification for ever.',
  },
  {
    file: 'src/core/remediation/verify.ts',
    old: `tool?.reversible === true && attempt.outcome !== 'OutcomeUnknown'`,
    new: 'tool?.reversible === true',
    what: 'An action of unknown outcome is rolled back.',
  },
  {
    file: 'src/core/remediation/verify.ts',
    old: 'return isProbe || incident.breached.includes(name) || name === attempt.trigger;',
    new: 'return incident.breached.includes(name) || name === attempt.trigger;',
    what: 'Verification passes though a probe says that nobody is served.',
  },
  {
    file: 'src/core/remediation/lifecycle.ts',
    old: `(resolution === 'Remediated' || resolution === 'SelfRecovered'),`,
    new: 'true,',
    what: 'What a person ended is reopened.',
  },
  {
    file: 'src/core/remediation/lifecycle.ts',
    old: `  if (!tried) return incident.rung;
`,
    new: '',
    what: 'A reopened incident of which nothing was tried skips a rung.',
  },
  {
    file: 'src/core/remediation/lifecycle.ts',
    old: `  if (history.exit?.cause === 'Sentinel' && view.container?.state === 'exited') return undefined;
`,
    new: '',
    what: 'A workload that our action left down counts as recovered.',
  },
  {
    file: 'src/core/remediation/lifecycle.ts',
    old: `  if (deployedMs !== undefined) return recheck(deployedMs + DEPLOYMENT_SETTLE_MS);
`,
    new: '',
    what: 'An incident ends as WorkloadRemoved in the middle of a recreation.',
  },
  {
    file: 'src/core/remediation/lifecycle.ts',
    old: `started?.cause === 'Human' && started.atMs >= boutAtMs`,
    new: `started?.cause === 'Human'`,
    what: 'A start by a person long before the incident resolves it as HumanAction.',
  },
  {
    file: 'src/core/remediation/lifecycle.ts',
    old: `  if (attempt?.outcome === undefined) return [];
`,
    new: `  return [];
`,
    what: 'A pending verification outlives its incident.',
  },
  {
    file: 'src/core/remediation/storm.ts',
    old: 'sinceMs: goesOn && storm ? storm.sinceMs : last',
    new: 'sinceMs: last',
    what: 'Each opening in a storm begins a new storm, which is told again.',
  },
  {
    file: 'src/core/remediation/storm.ts',
    old: 'storm !== undefined && last < storm.untilMs',
    new: 'storm !== undefined',
    what: 'A storm that was over goes on with the next, and is not told.',
  },
  {
    file: 'src/core/remediation/budget.ts',
    old: `  if (runningSinceMs + startPeriod > world.nowMs) return 'Unhealthy';
`,
    new: '',
    what: 'A container in its start period counts as healthy.',
  },
  {
    file: 'src/core/remediation/budget.ts',
    old: `  if (container?.labels[LABEL.swarmTask] !== undefined) return 'NotCounted';
`,
    new: '',
    what: 'Swarm tasks count towards minHealthy.',
  },
  {
    file: 'src/core/remediation/budget.ts',
    old: `health.status === 'healthy' && !hasCritical(world, view)`,
    new: `health.status === 'healthy'`,
    what: 'A workload with a critical incident counts as healthy.',
  },
  {
    file: 'src/core/remediation/affects.ts',
    old: `if (container === undefined || container.state !== 'running') return false;`,
    new: 'if (container === undefined) return false;',
    what: 'A dependent that is down counts as affected.',
  },
  {
    file: 'src/core/remediation/affects.ts',
    old: '({ service, restart }) => restart && service === target.service,',
    new: '({ service }) => service === target.service,',
    what: 'A dependent that Compose does not restart counts as affected.',
  },
  {
    file: 'src/core/remediation/affects.ts',
    old: 'if (target?.service === undefined || target.project !== identity.project) return false;',
    new: 'if (target?.service === undefined) return false;',
    what: 'A service of the same name in another project counts as a dependent.',
  },
  {
    file: 'src/core/remediation/affects.ts',
    old: '.filter((other) => other.identity.project === identity.project && other.key !== view.key)',
    new: '.filter((other) => other.identity.project === identity.project)',
    what: 'A service that is scaled depends on itself.',
  },
  {
    file: 'src/core/remediation/follow-shadow.ts',
    old: '(history.hold?.sinceMs ?? -1) >= entry.atMs',
    new: 'history.hold !== undefined',
    what: 'A person’s hold from before the decision counts as its end.',
  },
  {
    file: 'src/core/remediation/follow-shadow.ts',
    old: `    (started?.cause === 'Human' && started.atMs >= entry.atMs);`,
    new: `    false;`,
    what: 'What a person started counts as recovered by itself.',
  },
  {
    file: 'src/controller/workqueue.ts',
    old: `if (this.#dirty.get(key) !== 'Event') this.#dirty.set(key, priority);`,
    new: 'this.#dirty.set(key, priority);',
    what: 'A resync takes the priority of an event away.',
  },
  {
    file: 'src/controller/workqueue.ts',
    old: 'this.#clock.after(Math.min(delayMs, TIMER_MAX_MS), () => {',
    new: 'this.#clock.after(delayMs, () => {',
    what: 'A delay longer than a timer reaches fires at once.',
  },
  {
    file: 'src/controller/workqueue.ts',
    old: `      known.cancel();
`,
    new: '',
    what: 'A delayed add that was replaced comes all the same.',
  },
  {
    file: 'src/controller/workers.ts',
    old: 'if (!timedOut && error instanceof SentinelError && !error.retryable) {',
    new: 'if (error instanceof SentinelError && !error.retryable) {',
    what: 'A reconcile that ran out of time is not tried again.',
  },
  {
    file: 'src/controller/workers.ts',
    old: `      queue.forget(key);
      if (requeueAfterMs`,
    new: '      if (requeueAfterMs',
    what: 'A success does not end the backoff of a key.',
  },
  {
    file: 'src/controller/workers.ts',
    old: `      queue.cancelDelayed(key);
`,
    new: '',
    what: 'A look that was asked for earlier is not dropped when a newer one names its time.',
  },
  {
    file: 'src/controller/outbox.ts',
    old: `      if (record.seq > journal.durableSeq()) break;
`,
    new: '',
    what: 'A record is published before it is durable.',
  },
  {
    file: 'src/controller/outbox.ts',
    old: `      if (record.seq !== expected) throw new Error(\`record \${expected} is gone\`);
`,
    new: '',
    what: 'Records that retention took away are skipped without a word.',
  },
  {
    file: 'src/controller/outbox.ts',
    old: `    if (this.#gapTold === gap) return;
`,
    new: '',
    what: 'A gap is recorded at each look.',
  },
  {
    file: 'src/controller/notifications.ts',
    old: '(named.includes(outlet.entry.name) || told?.has(outlet) === true)',
    new: 'named.includes(outlet.entry.name)',
    what: 'Who was told of an incident does not hear its end when its policy is gone.',
  },
  {
    file: 'src/controller/notifications.ts',
    old: `        this.#told.delete(name);
`,
    new: '',
    what: 'Who was told of an incident hears of its reopening too, though the policy names them no more.',
  },
  {
    file: 'src/controller/world-builder.ts',
    old: `    if (!fleet.views().has(key) && policies.some(({ spec }) => spec.selector.images)) return true;
`,
    new: '',
    what: 'Events of a new container that a policy selects by image are not kept.',
  },
  {
    file: 'src/controller/world-builder.ts',
    old: 'expecting.filter(({ spec }) => spec.priority === highest)',
    new: 'expecting',
    what: 'Two policies of different priority tie for an absent workload.',
  },
  {
    file: 'src/controller/world-builder.ts',
    old: `    if (numbers.has(number)) continue;
`,
    new: '',
    what: 'A replica that is there is said to be missing.',
  },
  {
    file: 'src/controller/world-builder.ts',
    old: `    if (policies !== this.#selectedFor) {
      this.#selected = new WeakMap();`,
    new: '    if (policies !== this.#selectedFor) {',
    what: 'A policy that changed does not govern what it selects now.',
  },
  {
    file: 'src/controller/fleet.ts',
    old: '    if (this.#byName.get(name) === id) this.#byName.delete(name);',
    new: '    this.#byName.delete(name);',
    what: 'A container that is dropped takes the name of its successor along.',
  },
  {
    file: 'src/controller/fleet.ts',
    old: `  if (before?.runningSinceMs !== undefined && before.container.startedAtMs === startedAtMs) {
    return before.runningSinceMs;
  }
`,
    new: '',
    what: 'A step of the wall clock makes a container older.',
  },
  {
    file: 'src/controller/fleet.ts',
    old: `      this.#signals.delete(key);
`,
    new: '',
    what: 'A workload that comes again has the signals of its past.',
  },
  {
    file: 'src/controller/fleet.ts',
    old: 'const entries = claiming.filter(({ container }) => !isSetAside(container));',
    new: 'const entries = claiming;',
    what: 'What is set aside makes its workload ambiguous.',
  },
  {
    file: 'src/controller/evidence-keeper.ts',
    old: 'Promise.race([keep(source, known, signal), rejectWhen(signal)])',
    new: 'keep(source, known, signal)',
    what: 'An action waits for evidence that never comes.',
  },
  {
    file: 'src/controller/evidence-keeper.ts',
    old: `    if (lines.length > tail) lines.shift();
`,
    new: '',
    what: 'A daemon that sends more lines than asked for fills the evidence.',
  },
  {
    file: 'src/controller/evidence-keeper.ts',
    old: 'followed.slice(-Math.min(linesMax, FOLLOWED_LINES_MAX))',
    new: 'followed.slice(-FOLLOWED_LINES_MAX)',
    what: 'More lines of a followed log are kept than the policy wants.',
  },
  {
    file: 'src/controller/journal/segment.ts',
    old: `      if (parsed.previous !== undefined && parsed.previous.lastHash !== record.prev) {
        return fail`,
    new: `      if (false) {
        return fail`,
    what: 'A snapshot that names another predecessor is accepted at a start.',
  },
  {
    file: 'src/controller/journal/writer.ts',
    old: 'if (options.sync || this.#lines.length >= SYNC_AFTER_LINES) {',
    new: 'if (options.sync) {',
    what: 'Lines are kept in memory without bound until the time of their sync.',
  },
  {
    file: 'src/controller/journal/writer.ts',
    old: `    if (sync) {
      this.#found = undefined;`,
    new: `    {
      this.#found = undefined;`,
    what: 'What is written counts as durable without a sync.',
  },
  {
    file: 'src/controller/journal/writer.ts',
    old: `    if (!names.includes(segment.name) && segment.durableBytes === 0) return;
`,
    new: '',
    what: 'A segment whose first write failed cannot be written any more.',
  },
  {
    file: 'src/controller/journal/archive.ts',
    old: 'const gap = next === undefined ? jointProblem(reading, head) : gapBefore(next, head);',
    new: 'const gap = next === undefined ? undefined : gapBefore(next, head);',
    what: 'The check does not see that the last older segment was replaced.',
  },
  {
    file: 'src/controller/journal/retention.ts',
    old: '      bytes <= options.unacknowledgedBytesMax;',
    new: '      true;',
    what: 'Unpublished records fill the disk.',
  },
  {
    file: 'src/controller/journal/recover.ts',
    old: 'const problem = result.problem ?? openEnd(previous.reading);',
    new: 'const problem = result.problem;',
    what: 'A closed segment with an incomplete last line passes at a start.',
  },
  {
    file: 'src/controller/journal/journal.ts',
    old: `    this.#state = reducer.restore(state);
`,
    new: '',
    what: 'After a rotation the state is another one than after a start.',
  },
  {
    file: 'src/controller/journal/journal.ts',
    old: 'this.#options.hasOutbox ? 0 : Number.POSITIVE_INFINITY',
    new: 'Number.POSITIVE_INFINITY',
    what: 'Retention removes what the outbox has not published.',
  },
  {
    file: 'src/controller/journal/journal.ts',
    old: `      if (this.#head.seq === 0) drafts.push(repaired);
      else drafts.unshift(repaired);`,
    new: '      drafts.unshift(repaired);',
    what: 'A journal whose first line was torn does not begin with started.',
  },
  {
    file: 'src/controller/journal/verify.ts',
    old: 'this.#last?.hash !== undefined && this.#last.hash !== record.prev',
    new: 'false',
    what: 'The audit does not see a record that was replaced.',
  },
  {
    file: 'src/core/journal/reduce-remediation.ts',
    old: `  state.hostLedger = state.hostLedger.filter((entry) => entry.intent !== intent);
`,
    new: '',
    what: 'What was not executed counts for the host limit.',
  },
  {
    file: 'src/core/journal/reduce-remediation.ts',
    old: `      delete incident.approval;
`,
    new: '',
    what: 'An approval is good for more than one call.',
  },
  {
    file: 'src/core/journal/reduce-remediation.ts',
    old: '  attempts.splice(Math.max(0, idle), 1);',
    new: '  attempts.splice(0, 1);',
    what: 'Attempts that were carried out are forgotten before those that were not.',
  },
  {
    file: 'src/core/journal/reduce-remediation.ts',
    old: `    if (incident !== undefined && data.reason === undefined) deny(incident, data.candidate);
`,
    new: '',
    what: 'A person who says nothing is asked the same for ever.',
  },
  {
    file: 'src/core/journal/reduce-remediation.ts',
    old: '    if (data.rollbackOf === undefined) spend(state, incident, data, place);',
    new: '    spend(state, incident, data, place);',
    what: 'A rollback uses up limits.',
  },
  {
    file: 'src/core/journal/reduce-incident.ts',
    old: `    delete incident.denied;
`,
    new: '',
    what: 'A no of an earlier bout holds for ever.',
  },
  {
    file: 'src/core/journal/reduce-incident.ts',
    old: `    if (state.quarantined[incident.workload.key]?.incident === incident.name) {
      delete state.quarantined[incident.workload.key];
    }
`,
    new: '',
    what: 'A quarantine outlives its incident.',
  },
  {
    file: 'src/core/journal/reduce-incident.ts',
    old: `if (reason === 'StormActive') state.stormsTold[incident.policy.name] = place.atMs;`,
    new: '',
    what: 'A storm is told for each of its incidents.',
  },
  {
    file: 'src/core/journal/reduce-workload.ts',
    old: `    if (history.container !== fact.container) delete history.oom;
`,
    new: '',
    what: 'An OOM kill of another container counts for this one.',
  },
  {
    file: 'src/core/journal/reduce-workload.ts',
    old: `  if (!DEPLOYS.has(event) || cause === 'Sentinel') return;`,
    new: `  if (!DEPLOYS.has(event)) return;`,
    what: 'Our own recreation counts as a deployment.',
  },
  {
    file: 'src/core/journal/reduce-workload.ts',
    old: 'const isFresh = exit !== undefined && exit.startedSince !== true;',
    new: 'const isFresh = exit !== undefined;',
    what: 'One crash counts for each start that follows it.',
  },
  {
    file: 'src/core/journal/reduce-workload.ts',
    old: 'if (state.openByWorkload[key] !== undefined || isSpent(state, key, nowMs)) continue;',
    new: 'if (isSpent(state, key, nowMs)) continue;',
    what: 'A workload is forgotten while its incident is open.',
  },
  {
    file: 'src/core/journal/reduce.ts',
    old: `if (record.type === 'started' && state.seq > 0) state.previousRunWallMs = state.clock.wallMs;`,
    new: '',
    what: 'What happened between two runs is not asked for.',
  },
  {
    file: 'src/core/workload/attribution.ts',
    old: 'if (endsUnsignalled(action, own, counts) || endsNewRun(action, own, counts)) return false;',
    new: 'if (endsUnsignalled(action, own, counts)) return false;',
    what: 'A person’s stop right after our restart counts as ours.',
  },
  {
    file: 'src/core/workload/attribution.ts',
    old: `        msOf(event) >= sinceMs &&
`,
    new: '',
    what: 'A signal from long before a crash makes it a stop.',
  },
  {
    file: 'src/core/workload/attribution.ts',
    old: 'includes(name) && name !== signalName(stopSignal)',
    new: 'includes(name)',
    what: 'A stop by a stop signal that is else harmless is not seen.',
  },
  {
    file: 'src/core/workload/attribution.ts',
    old: `return exit.cause === 'Crash' && (exit.container`,
    new: 'return (exit.container',
    what: 'A start by a person counts as the engine’s.',
  },
  {
    file: 'src/core/workload/found.ts',
    old: `  if ((history?.hold?.sinceMs ?? -1) >= runningSinceMs) return undefined;
`,
    new: '',
    what: 'A look from before a stop ends the hold of that stop.',
  },
  {
    file: 'src/core/workload/found.ts',
    old: `container.id || exit.cause === 'Unknown') {`,
    new: 'container.id) {',
    what: 'An exit that nobody knows the cause of counts as witnessed.',
  },
  {
    file: 'src/core/workload/found.ts',
    old: 'return exit.startedSince !== true && isOfLastRun(exit.daemonMs, container);',
    new: 'return isOfLastRun(exit.daemonMs, container);',
    what: 'An exit of an earlier run counts as the witness of this one.',
  },
  {
    file: 'src/core/workload/found.ts',
    old: 'return finishedAtMs < startedAtMs && Math.abs(exitMs - finishedAtMs) <= TOLD_WITHIN_MS;',
    new: 'return finishedAtMs < startedAtMs;',
    what: 'Where the clock was set back, any exit counts as the witness of the last run.',
  },
  {
    file: 'src/core/workload/protected.ts',
    old: '(self === undefined && LOOPBACK.test(host))',
    new: 'LOOPBACK.test(host)',
    what: 'Within a container, the loopback protects what the host publishes.',
  },
  {
    file: 'src/core/workload/protected.ts',
    old: 'network in self.networks && aliases.includes(host)',
    new: 'aliases.includes(host)',
    what: 'An alias on a network that Sentinel is not on protects a stranger.',
  },
  {
    file: 'src/core/workload/protected.ts',
    old: 'const lender = containers.find(({ id, name }) => id === owner || name === owner);',
    new: 'const lender = containers.find(({ id }) => id === owner);',
    what: 'The owner of Sentinel’s network is not protected when it is given by name.',
  },
  {
    file: 'src/core/policy/select.ts',
    old: 'tied.length > 1 ? tied.find(({ name }) => name === wanted) : tied[0]',
    new: 'tied.find(({ name }) => name === wanted) ?? tied[0]',
    what: 'Policies that tie are chosen between by chance.',
  },
  {
    file: 'src/core/policy/select.ts',
    old: `Object.hasOwn(workload.labels, LABEL.policy)
    ? workload.labels[LABEL.policy]
    : undefined;`,
    new: 'undefined;',
    what: 'The policy label does not choose.',
  },
  {
    file: 'src/core/policy/deny-window.ts',
    old: 'if (startMs === undefined || startMs > untilMs) break;',
    new: 'break;',
    what: 'Windows that touch are told as one that ends early.',
  },
  {
    file: 'src/core/policy/deny-window.ts',
    old: `fixedTimeRule: 'no-wildcard',`,
    new: '',
    what: 'A start that the clocks skip is left out.',
  },
  {
    file: 'src/core/redaction/redact.ts',
    old: "  while (first > 0 && isKeyBody(lines[first - 1] ?? '')) first -= 1;\n",
    new: '',
    what: 'The end of a private key whose beginning was cut off is kept.',
  },
  {
    file: 'src/core/redaction/redact.ts',
    old: "index === last ? line.slice(end) : ''",
    new: "''",
    what: 'What follows the end of a private key on its line is lost.',
  },
  {
    file: 'src/core/redaction/foreign-text.ts',
    old: 'redactor.redact(plainLine(withoutAnsi(text)))',
    new: 'redactor.redact(plainLine(text))',
    what: 'Colours hide a secret in a line.',
  },
  {
    file: 'src/core/health/threshold.ts',
    old: `  if (reading.unroutable === true) return { kind: 'Unsupported', reason: NO_ROUTE };
`,
    new: '',
    what: 'A probe that finds no way to its target is one that failed or succeeded.',
  },
  {
    file: 'src/core/health/threshold.ts',
    old: `|| (oom.steadyMs ?? 0) >= input.healthyForMs`,
    new: `|| false`,
    what: 'A kill for want of memory that was outlived is breached again when the container ends.',
  },
  {
    file: 'src/core/journal/reduce-workload.ts',
    old: `  if (fact.event === 'die') doubtUnknown(state, history, fact, place);
`,
    new: '',
    what: 'What dies after the unknown end of an action counts as stopped by Sentinel.',
  },
  {
    file: 'src/core/remediation/rollback.ts',
    old: `!(isOld && isEnding(world, original, affected))`,
    new: `true`,
    what: 'What a recreation was stopping stays down when its policy is gone.',
  },
  {
    file: 'src/core/remediation/recover-intent.ts',
    old: `const isQuiet = knowsAll && `,
    new: `const isQuiet = `,
    what: 'That no event is known proves something though the engine has forgotten some.',
  },
  {
    file: 'src/core/remediation/lifecycle.ts',
    old: `  if (overAtMs > nowMs) return recheck(overAtMs);
`,
    new: '',
    what: 'What flaps is resolved and reopened at each turn.',
  },
  {
    file: 'src/core/remediation/act.ts',
    old: `  if (clearsAtMs !== undefined) return recheck(clearsAtMs);
`,
    new: '',
    what: 'People are asked about a crash that somebody has just mended.',
  },
  {
    file: 'src/core/incident/denial.ts',
    old: `call === callDigest(one.tool, one.arguments)`,
    new: `false`,
    what: 'A denied call is permitted under the name of another action.',
  },
  {
    file: 'src/core/remediation/candidate.ts',
    old: `    policy: policy.digest,
`,
    new: '',
    what: 'A yes to what an old policy asked answers the question of the new one.',
  },
  {
    file: 'src/core/workload/attribution.ts',
    old: `(cause === 'Human' && !own.hasEnded)`,
    new: `cause === 'Human'`,
    what: 'What a person does after an action is taken for meddling with it.',
  },
  {
    file: 'src/controller/observer.ts',
    old: `return isDeployment(event) || BigInt(timeNano)`,
    new: `return BigInt(timeNano)`,
    what: 'A step of a deployment that a later event overtook is passed over.',
  },
  {
    file: 'src/actions/recover.ts',
    old: `      if (old.state !== 'running') await operations.start(old.id, signal);
`,
    new: '',
    what: 'A recovery leaves the old container down that it has come back to.',
  },
  {
    file: 'src/controller/executor.ts',
    old: `    if (container?.id !== id || container.state !== 'running') return false;`,
    new: `    return false;`,
    what: 'A recovery does not wait for a stop that the engine goes on with.',
  },
  {
    file: 'src/actions/replace.ts',
    old: `  if (progress.mayBeStopping) return outcomeUnknown(reason);
`,
    new: '',
    what: 'A recreation goes back by itself while the engine may still be stopping the old container.',
  },
  {
    file: 'src/controller/controller.ts',
    old: `const knowsAll = this.#observer.knowsAllSince(Date.parse(attempt.startedAt));`,
    new: `const knowsAll = true;`,
    what: 'An intent counts as not executed though its events may be forgotten.',
  },
  {
    file: 'src/core/remediation/lifecycle.ts',
    old: `  if (attempt === undefined || !isDownByUs(world, incident)) return closing;
`,
    new: `  return closing;
`,
    what: 'Nobody is told of what an action left down when its policy goes.',
  },
  {
    file: 'src/controller/own-intent.ts',
    old: `outcome !== undefined && outcome !== 'OutcomeUnknown'`,
    new: `outcome !== undefined`,
    what: 'A call of unknown outcome counts as ended.',
  },
  {
    file: 'src/core/incident/incident.ts',
    old: `atMs >= boutAtMs && atMs >= grantedAtMs && ENDS_ACTING.has(reason)`,
    new: `atMs >= boutAtMs && ENDS_ACTING.has(reason)`,
    what: 'A yes to what a person was left with is never carried out.',
  },
  {
    file: 'src/core/health/threshold.ts',
    old: `return verdict.reason !== NO_ROUTE;`,
    new: `return true;`,
    what: 'Trouble is over when its probe loses its way.',
  },
  {
    file: 'src/controller/observer.ts',
    old: `if (told === 'Live' && SIGNALS.has(event.action)) {`,
    new: `if (false) {`,
    what: 'A stop whose exit overtook its signal is taken for a crash.',
  },
  {
    file: 'src/core/journal/reduce-remediation.ts',
    old: `    spendOnHost(state, data.intent, place);
`,
    new: '',
    what: 'What is started on a host is not counted.',
  },
  {
    file: 'src/core/journal/reduce-workload.ts',
    old: `steadyMs: Math.max(oom.steadyMs ?? 0, ranMs)`,
    new: `steadyMs: 0`,
    what: 'A kill for want of memory comes back with each start.',
  },
  {
    file: 'src/controller/signals/log-follower.ts',
    old: `    if (this.#isBeginning) return 0;
`,
    new: '',
    what: 'After a step of the clock, old lines of a log are news.',
  },
  {
    file: 'src/core/policy/compile-actions.ts',
    old: ` && !isTrend(signal)`,
    new: '',
    what: 'An action that names no threshold answers to a forecast.',
  },
  {
    file: 'src/core/health/threshold.ts',
    old: 'breached ? TREND_CLEARS * within : within',
    new: 'within',
    what: 'A forecast that sways about its bound opens and clears its threshold each time.',
  },
  {
    file: 'src/core/detection/log-anomaly.ts',
    old: ` || (kind === 'silence' && isPartial)`,
    new: '',
    what: 'Lines that were not looked at are taken for silence.',
  },
  {
    file: 'src/controller/signals/anomaly-watch.ts',
    old: 'this.#judge(before.isJudged && state.cutMs === before.cutMs)',
    new: 'this.#judge(before.isJudged)',
    what: 'What a log said before an action counts against it.',
  },
  {
    file: 'src/core/diagnosis/findings.ts',
    old: `const clean = (text: string) => cleanLine(text, redactor)`,
    new: `const clean = (text: string) => cleanLine(text)`,
    what: 'The secrets of a container are in the evidence that its log gives.',
  },
  {
    file: 'src/core/diagnosis/findings.ts',
    old: 'return text.length >= KEY_CHARS_MIN && isKeyBody(text);',
    new: 'return false;',
    what: 'A line of a private key is evidence.',
  },
  {
    file: 'src/core/diagnosis/rules-of-text.ts',
    old: `  if (byPerson) return false;
`,
    new: '',
    what: 'A log says why a person ended a container.',
  },
  {
    file: 'src/core/diagnosis/rules-of-text.ts',
    old: `alone: 0.4 } as const`,
    new: `alone: 0.8 } as const`,
    what: 'A log alone is believed more than Docker.',
  },
  {
    file: 'src/core/diagnosis/rules-of-health.ts',
    old: `health.status !== 'unhealthy' || health.failingStreak < 1`,
    new: `health.status !== 'unhealthy'`,
    what: 'A check that failed nothing, as after a pause, is called a failing one.',
  },
  {
    file: 'src/core/diagnosis/dependency.ts',
    old: `    if (seen.has(key)) return false;
`,
    new: '',
    what: 'A cycle of dependencies is walked round and round.',
  },
  {
    file: 'src/core/diagnosis/scan.ts',
    old: `return !NOISE.test(line) && (`,
    new: `return (`,
    what: 'What a request holds is taken for trouble of the container.',
  },
  {
    file: 'src/core/diagnosis/diagnose.ts',
    old: `remedies?.find((tool) => tools.includes(tool))`,
    new: `remedies?.[0]`,
    what: 'A tool is suggested that the policy does not have.',
  },
  {
    file: 'src/core/remediation/decide.ts',
    old: `, ...defined({ steady: situation.memory.steady }) };`,
    new: ` };`,
    what: 'A diagnosis amid a verification makes its time begin anew.',
  },
  {
    file: 'src/controller/incident-logs.ts',
    old: `    if (logLinesMax(key) === 0) return;
`,
    new: '',
    what: 'A log is read that the policy wants left alone.',
  },
  {
    file: 'src/core/diagnosis/diagnose.ts',
    old: `const hypotheses = ranked(before, found);`,
    new: `const hypotheses = ranked([], found);`,
    what: 'A second look forgets what was found before an action.',
  },
  {
    file: 'src/core/remediation/advised.ts',
    old: `blockedBy.every(({ reason }) => IS_STILL_A_CHOICE.has(reason))`,
    new: `true`,
    what: 'A model may pick what the gate refuses.',
  },
  {
    file: 'src/core/remediation/advised.ts',
    old: `advice.confidence < modelRouting.minConfidence`,
    new: `advice.confidence < 0`,
    what: 'A model that is not sure picks all the same.',
  },
  {
    file: 'src/core/remediation/advised.ts',
    old: `return restUntil(modelRouting.decisionTimeout);`,
    new: `return restUntil(3_600_000);`,
    what: 'A model that does not answer is waited for without end.',
  },
  {
    file: 'src/core/remediation/advised.ts',
    old: `return attempts.some(({ outcome }) => outcome !== 'NotExecuted');`,
    new: `return attempts.length < 0;`,
    what: 'A model is waited for before each attempt.',
  },
  {
    file: 'src/core/advice/root-cause.ts',
    old: `cited.length > 0 && cited.every((id) => known.has(id))`,
    new: `true`,
    what: 'A model is believed that cites evidence which does not exist.',
  },
  {
    file: 'src/core/advice/pack.ts',
    old: `cut.replaceAll(mark, '·').replaceAll(/<\\/?data/gi, '‹data')`,
    new: `cut`,
    what: 'Whoever writes into a log can end the fence around it.',
  },
  {
    file: 'src/core/remediation/act.ts',
    old: `return picked.kind === 'Wait' && byLadder.kind === 'Intend' ? byLadder : picked;`,
    new: `return picked;`,
    what: 'A model puts off what could be done at once by picking what people must agree to.',
  },
  {
    file: 'src/core/remediation/advised.ts',
    old: `return restUntil(Math.max(modelRouting.decisionTimeout, remediation.backoff.initial));`,
    new: `return restUntil(3_600_000);`,
    what: 'A model that wants nothing done holds everything back for an hour.',
  },
  {
    file: 'src/core/remediation/choose.ts',
    old: `if (blockedBy.length === 0) return { kind: 'Intend', candidate };`,
    new: `if (blockedBy.length < 2) return { kind: 'Intend', candidate };`,
    what: 'What one guard alone refuses is done.',
    by: 'test/injection/choice.test.ts',
  },
  {
    file: 'src/core/remediation/advised.ts',
    old: `const chosen = open.find(({ candidate }) => candidate.id === advice.choice);`,
    new: `const chosen = open.find(({ candidate: { id } }) => id.startsWith(advice.choice.slice(0, 4)));`,
    what: 'An answer is taken for a candidate that is no longer there.',
    by: 'test/injection/choice.test.ts',
  },
  {
    file: 'src/core/advice/root-cause.ts',
    old: `return rounded > bounded ? Math.floor(bounded * 100) / 100 : rounded;`,
    new: `return rounded;`,
    what: 'A confidence is rounded up to what the policy asks for.',
  },
  {
    file: 'src/core/advice/root-cause.ts',
    old: `return words.slice(0, charsMax).toWellFormed();`,
    new: `return words;`,
    what: 'A model makes a record of any length out of a short name.',
    by: 'test/injection/prompts.test.ts',
  },
  {
    file: 'src/core/advice/root-cause.ts',
    old: `const words = cleanLine(refs.named(value.slice(0, charsMax)), redactor).trim();`,
    new: `const words = refs.named(value.slice(0, charsMax)).trim();`,
    what: 'Control characters of a model reach the journal, and with it terminals.',
    by: 'test/injection/prompts.test.ts',
  },
  {
    file: 'src/core/advice/sections.ts',
    old: `foreign('What the candidates would be called with, by id', calledWith(matter), ALWAYS)`,
    new: `ours('What the candidates would be called with, by id', calledWith(matter), ALWAYS)`,
    what: 'Whoever sets a label that stands in a call writes a prompt in our name.',
    by: 'test/injection/prompts.test.ts',
  },
  {
    file: 'src/core/advice/sections.ts',
    old: `return [clean(\`\${id}: \${JSON.stringify(args.arguments)}\`, situation.view.container)];`,
    new: `return [\`\${id}: \${JSON.stringify(args.arguments)}\`];`,
    what: 'A secret in a label that stands in a call goes to a model.',
    by: 'test/injection/secrets.test.ts',
  },
  {
    file: 'src/core/advice/sections.ts',
    old: `if (it === undefined) return clean(\`\${ref} (\${condition}): there is none\`, it);`,
    new: `if (it === undefined) return \`\${ref} (\${condition}): there is none\`;`,
    what: 'A label reaches a prompt as it is where what it names is not there.',
    by: 'test/injection/prompts.test.ts',
  },
  {
    file: 'src/core/advice/sections.ts',
    old: `key === view.key || (project !== undefined && identity.project === project),`,
    new: `key === view.key,`,
    what: 'Variables of other services go to a model with the Compose file.',
    by: 'test/injection/secrets.test.ts',
  },
  {
    file: 'src/core/advice/sections.ts',
    old: `text.slice(0, text.lastIndexOf('\\n', charsMax) + 1);`,
    new: `text.slice(0, charsMax);`,
    what: 'Half a token at the end of a long Compose file goes to a model.',
    by: 'test/injection/prompts.test.ts',
  },
  {
    file: 'src/core/advice/looks.ts',
    old: `if (isLog(value)) return excerptLines(value, redactor);`,
    new: `if (isLog(value)) return value.map(({ text }) => cleanText(text, redactor));`,
    what: 'A private key over several lines of a log that is looked up goes to a model.',
    by: 'test/injection/secrets.test.ts',
  },
  {
    file: 'src/core/advice/looks.ts',
    old: `return cleanText(\`\${name}: \${text}\`, redactor).split('\\n');`,
    new: `return cleanText(\`\${name}: \${text}\`).split('\\n');`,
    what: 'Variables of a container that is looked up go to a model.',
    by: 'test/injection/secrets.test.ts',
  },
  {
    file: 'src/controller/model-talk.ts',
    old: `model: cleanLine(model.slice(0, NAME_CHARS_MAX))`,
    new: `model: model.slice(0, NAME_CHARS_MAX)`,
    what: 'Control characters in the name of a model reach the journal.',
    by: 'test/injection/hostile-models.test.ts',
  },
  {
    file: 'src/adapters/llm/spending.ts',
    old: `return reported === undefined || reported < least ? estimatedTokens(text) : reported;`,
    new: `return reported ?? estimatedTokens(text);`,
    what: 'A provider that says that nothing was used is asked without end.',
    by: 'test/injection/spending.test.ts',
  },
  {
    file: 'src/adapters/llm/budget.ts',
    old: `if (tokens + most.tokens > tokensPerHour) {`,
    new: `if (tokens > tokensPerHour * 100) {`,
    what: 'A policy pays more tokens than it allows.',
    by: 'test/injection/spending.test.ts',
  },
  {
    file: 'src/adapters/llm/budget.ts',
    old: `if (usd + most.usd > usdPerDay) {`,
    new: `if (usd > usdPerDay * 100) {`,
    what: 'A policy pays more money than it allows.',
    by: 'test/injection/spending.test.ts',
  },
  {
    file: 'src/core/advice/triage.ts',
    old: `cleanLine(line.slice(0, LINE_CHARS_MAX), redactor)`,
    new: `line.slice(0, LINE_CHARS_MAX)`,
    what: 'A log line reaches a fast model as it is.',
    by: 'test/injection/prompts.test.ts',
  },
  {
    file: 'src/core/remediation/lifecycle.ts',
    old: `breached.includes(name) && !isOpinion(verdicts.get(name)),`,
    new: `breached.includes(name),`,
    what: 'What only a model takes for trouble holds back actions on others.',
  },
  {
    file: 'src/core/journal/reduce-incident.ts',
    old: `    state.openByWorkload[data.workload.key] = name;
    if (data.isOpinion !== true) countOpening(state, place);`,
    new: `    state.openByWorkload[data.workload.key] = name;
    countOpening(state, place);`,
    what: 'What only models take for trouble makes a storm.',
  },
  {
    file: 'src/core/workload/attribution.ts',
    old: `counts['kill'] === undefined && isKilledAtOnce(event, own, stopSignal)`,
    new: `counts['kill'] === undefined && isKilledAtOnce(event, own, 'SIGKILL')`,
    what: 'A kill by a person passes for a restart of ours that did nothing.',
  },
  {
    file: 'src/core/workload/found.ts',
    old: `if (finishedAtMs > 0 && exitMs > finishedAtMs + TOLD_WITHIN_MS) return false;`,
    new: ``,
    what: 'An exit from before a clock was set back passes for the end of a later run.',
  },
  {
    file: 'src/core/redaction/container-secrets.ts',
    old: 'else this.#redactor.learn(values);',
    new: '',
    what: 'What files of secrets hold does not reach a redactor that is in use.',
  },
  {
    file: 'src/core/redaction/secret-files.ts',
    old: '!all.some((other) => other !== path && isWithin(path, other))',
    new: '!all.some((other) => isWithin(path, other))',
    what: 'No file of secrets is ever looked for.',
  },
  {
    file: 'src/core/redaction/secret-files.ts',
    old: 'return { name: isWorthHiding({ name, value }) ? name : `${name}_password`, value };',
    new: 'return { name, value };',
    what: 'A secret in a file whose name promises nothing is not taken out.',
  },
  {
    file: 'src/core/redaction/secret-files.ts',
    old: "|| segments.includes('..')",
    new: '',
    what: 'A path that climbs out of the folder of secrets is read.',
  },
  {
    file: 'src/adapters/docker/secret-files.ts',
    old: "if (archive === 'forbidden') return { files: [], problems: [] };",
    new: "if (archive === 'forbidden') continue;",
    what: 'A proxy that forbids it is asked for each file of secrets again.',
  },
  {
    file: 'src/adapters/docker/secret-files.ts',
    old: 'const bytesMax = Math.ceil(bytesLeft * share);',
    new: 'const bytesMax = bytesLeft;',
    what: 'One huge file keeps the other secrets of a container from being known.',
  },
  {
    file: 'src/adapters/docker/secret-files.ts',
    old: 'if (bytes > bytesMax) break;',
    new: '',
    what: 'A file of secrets of any size is read to its end.',
  },
  {
    file: 'src/adapters/docker/tar-files.ts',
    old: `const isFile = type === 'file' || type === 'contiguous-file';`,
    new: 'const isFile = true;',
    what: 'Links, pipes and folders count as files of secrets.',
  },
  {
    file: 'src/adapters/docker/tar-files.ts',
    old: 'const fits = size <= bytesMax && found.length < filesMax;',
    new: 'const fits = found.length < filesMax;',
    what: 'A large file in a folder of secrets is kept in memory.',
  },
  {
    file: 'src/controller/secret-reader.ts',
    old: " || state === 'created'",
    new: '',
    what: 'Files of secrets are read before they are copied into a container, and never again.',
  },
  {
    file: 'src/controller/secret-reader.ts',
    old: 'if (reading.attempts < ATTEMPTS_MAX) reading.ended = undefined;',
    new: 'if (false) reading.ended = undefined;',
    what: 'Files of secrets are unknown for good when the engine once gave no answer.',
  },
  {
    file: 'src/controller/fleet.ts',
    old: '  return { ...inspected, secrets };',
    new: '  return inspected;',
    what: 'What was learned of the secrets of a container is forgotten with the next look.',
  },
  {
    file: 'src/controller/observer.ts',
    old: 'if (this.#hasHeardPast) void this.#readSecrets(id);',
    new: 'void this.#readSecrets(id);',
    what: 'Reading secrets pushes events out of the memory of the engine before they were heard.',
  },
  {
    file: 'src/controller/observer.ts',
    old: '    await this.#readAllSecrets(signal);',
    new: '    void this.#readAllSecrets(signal);',
    what: 'At the start decisions are told before secrets in files are known.',
  },
  {
    file: 'src/controller/observer.ts',
    old: 'await Promise.race([all, tooLong]);',
    new: 'await all;',
    what: 'Files that are not read keep everything from being decided.',
  },
  {
    file: 'src/controller/evidence-keeper.ts',
    old: '    await known;',
    new: '',
    what: 'Evidence is kept before the secrets in files are known.',
  },
  {
    file: 'src/controller/incident-logs.ts',
    old: '    await this.#options.untilSecretsKnown?.(container);',
    new: '',
    what: 'A log is looked at before the secrets in files are known.',
  },
];
