import { type FSWatcher, watch } from 'chokidar';
import { type CompileContext, compilePolicySet } from '#core/policy/compile.ts';
import { apply, differs, NO_POLICIES, restore } from '#core/policy/policy-history.ts';
import type { PolicyProblem } from '#core/policy/problems.ts';
import type { Clock } from '#ports/clock.ts';
import type { PolicySet, PolicySource } from '#ports/policy-source.ts';
import { gitRevision } from './git-revision.ts';
import { documentsOf, type LastGood, readLastGood, writeLastGood } from './last-good-policies.ts';
import { type FolderContent, fingerprintPolicyFolder, readPolicyFolder } from './policy-folder.ts';

export interface PolicyFolderOptions {
  /** A folder, read with all folders below it, or a single file. */
  readonly path: string;
  /** Asked anew at each load: tools and notifiers come and go. */
  readonly context: () => CompileContext;
  readonly clock: Clock;
  /** Where the last good set is kept, for a start that finds a bad one; absent: nowhere. */
  readonly lastGoodFile?: string;
  readonly onWarning?: (message: string, cause: unknown) => void;
}

/** Rest after the last change: an editor or a checkout writes many files, and each in pieces. */
const QUIET_MS = 200;
/** However restless the folder, it is read this soon. */
const QUIET_MS_MAX = 2_000;
/** For what no notice comes of: network file systems, links to files elsewhere, lost events. */
const LOOK_AGAIN_MS = 15_000;
/** Files that change while they are read are read again at most this often. */
const READS_MAX = 5;

/**
 * Loads a folder of policies and keeps it loaded. Reading happens as one set: while any file has an
 * error, everything stays as it was and the errors are told. A start that finds errors takes the last
 * good set of an earlier run, if one was kept.
 */
export async function watchPolicyFolder(options: PolicyFolderOptions): Promise<PolicySource> {
  const source = new PolicyFolder(options);
  await source.reload();
  await source.watch();
  return source;
}

class PolicyFolder implements PolicySource {
  readonly #options: PolicyFolderOptions;
  readonly #listeners = new Set<(set: PolicySet) => void>();
  #watcher: FSWatcher | undefined;
  #state = NO_POLICIES;
  #fingerprint = '';
  /** What the file holds, or would if it could be written. */
  #kept = '';
  #loading: Promise<unknown> = Promise.resolve();
  #cancelQuiet: (() => void) | undefined;
  #cancelLook: (() => void) | undefined;
  #restlessSinceMs: number | undefined;
  #closed = false;

  constructor(options: PolicyFolderOptions) {
    this.#options = options;
  }

  current(): PolicySet {
    return this.#state;
  }

  /** Loads follow each other, so that the newest files always win. */
  async reload(): Promise<PolicySet> {
    const load = this.#loading.then(() => this.#load());
    this.#loading = load.catch(() => undefined);
    return load;
  }

  onChange(callback: (set: PolicySet) => void): () => void {
    this.#listeners.add(callback);
    return () => this.#listeners.delete(callback);
  }

  async watch(): Promise<void> {
    const watcher = watch(this.#options.path, {
      ignoreInitial: true,
      // The link `..data` itself is what a ConfigMap swaps.
      followSymlinks: false,
      ignored: (path) => /[\\/]\.git(?:[\\/]|$)/.test(path),
    });
    watcher.on('all', () => this.#changed());
    // A watcher that fails (no more inotify watches) leaves the regular look.
    watcher.on('error', () => undefined);
    this.#watcher = watcher;
    await new Promise<void>((resolve) => watcher.once('ready', resolve));
    this.#lookAgainLater();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#cancelQuiet?.();
    this.#cancelLook?.();
    this.#listeners.clear();
    await this.#watcher?.close();
    await this.#loading;
  }

  #changed(): void {
    if (this.#closed) return;
    const { clock } = this.#options;
    this.#cancelQuiet?.();
    this.#restlessSinceMs ??= clock.bootMs();
    const leftMs = this.#restlessSinceMs + QUIET_MS_MAX - clock.bootMs();
    this.#cancelQuiet = clock.after(Math.max(0, Math.min(QUIET_MS, leftMs)), () => {
      this.#restlessSinceMs = undefined;
      void this.reload();
    });
  }

  #lookAgainLater(): void {
    if (this.#closed) return;
    this.#cancelLook = this.#options.clock.after(LOOK_AGAIN_MS, () => {
      void this.#lookAgain();
    });
  }

  async #lookAgain(): Promise<void> {
    const fingerprint = await fingerprintPolicyFolder(this.#options.path);
    if (fingerprint !== this.#fingerprint) this.#changed();
    this.#lookAgainLater();
  }

  async #load(): Promise<PolicySet> {
    if (this.#closed) return this.#state;
    const content = await this.#readSettled();
    const revision = await gitRevision(this.#options.path);
    const set = this.#compile(content, revision);
    if (set.problems.length === 0) await this.#keep({ files: content.files, revision });
    const before = this.#state;
    this.#fingerprint = content.fingerprint;
    const isLost = set.problems.length > 0 && !before.isKnown;
    const { base, problems } = isLost ? await this.#restore() : { base: before, problems: [] };
    const after = apply(base, { ...set, problems: [...set.problems, ...problems] }, revision);
    if (!differs(before, after)) return before;
    this.#state = after;
    for (const listener of this.#listeners) listener(after);
    return after;
  }

  #compile({ documents, problems }: Pick<FolderContent, 'documents' | 'problems'>, commit: string) {
    const { path, context } = this.#options;
    const compiled = compilePolicySet(
      documents.map((document) => ({ ...document, commit })),
      context(),
    );
    const all = { ...compiled, problems: [...problems, ...compiled.problems] };
    if (all.policies.length > 0 || all.problems.length > 0) return all;
    return { ...all, warnings: [...all.warnings, noPolicyIn(path)] };
  }

  /** A set is kept before it is in force: whatever the next start finds, it can have this one. */
  async #keep(set: Pick<LastGood, 'files' | 'revision'>): Promise<void> {
    const { lastGoodFile, clock, onWarning } = this.#options;
    const content = JSON.stringify(set);
    if (lastGoodFile === undefined || content === this.#kept) return;
    if (this.#kept === '') {
      const reading = await readLastGood(lastGoodFile);
      if (reading.kind === 'found') {
        const { files, revision } = reading.lastGood;
        this.#kept = JSON.stringify({ files, revision });
        if (content === this.#kept) return;
      }
    }
    try {
      const since = new Date(clock.wallMs()).toISOString();
      await writeLastGood(lastGoodFile, { since, ...set });
      this.#kept = content;
    } catch (error) {
      onWarning?.('the last good policies are not kept for the next start', error);
    }
  }

  /** The set of an earlier run, and what is wrong with it. */
  async #restore(): Promise<{
    readonly base: typeof NO_POLICIES;
    readonly problems: readonly PolicyProblem[];
  }> {
    const { lastGoodFile } = this.#options;
    if (lastGoodFile === undefined) return { base: NO_POLICIES, problems: [] };
    const reading = await readLastGood(lastGoodFile);
    if (reading.kind === 'none') return { base: NO_POLICIES, problems: [] };
    if (reading.kind === 'unusable') return { base: NO_POLICIES, problems: [reading.problem] };
    const { files, revision, since } = reading.lastGood;
    const set = this.#compile(documentsOf(files), revision);
    if (set.problems.length === 0) return { base: restore(set, revision, since), problems: [] };
    const problems = set.problems.map((problem) => ({
      ...problem,
      message: `${problem.message} (in the version of ${since}, the last good one)`,
    }));
    return { base: NO_POLICIES, problems };
  }

  /** Reads until nothing changed while it was read: half of one state and half of another is none. */
  async #readSettled(): Promise<FolderContent> {
    let content = await readPolicyFolder(this.#options.path);
    for (let reads = 1; reads < READS_MAX; reads += 1) {
      const fingerprint = await fingerprintPolicyFolder(this.#options.path);
      if (fingerprint === content.fingerprint) break;
      content = await readPolicyFolder(this.#options.path);
    }
    return content;
  }
}

/** Valid, and seldom what somebody wants: nothing is watched. */
function noPolicyIn(file: string): PolicyProblem {
  const message = 'holds no policy, so nothing is watched';
  return { file, line: 1, column: 1, path: '', message, severity: 'warning' };
}
