import { type FSWatcher, watch } from 'chokidar';
import { type CompileContext, compilePolicySet } from '#core/policy/compile.ts';
import { apply, differs, NO_POLICIES } from '#core/policy/policy-history.ts';
import type { Clock } from '#ports/clock.ts';
import type { PolicySet, PolicySource } from '#ports/policy-source.ts';
import { gitRevision } from './git-revision.ts';
import { type FolderContent, fingerprintPolicyFolder, readPolicyFolder } from './policy-folder.ts';

export interface PolicyFolderOptions {
  /** A folder, read with all folders below it, or a single file. */
  readonly path: string;
  /** Asked anew at each load: tools and notifiers come and go. */
  readonly context: () => CompileContext;
  readonly clock: Clock;
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
 * error, everything stays as it was and the errors are told.
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
    const documents = content.documents.map((document) => ({ ...document, commit: revision }));
    const compiled = compilePolicySet(documents, this.#options.context());
    const before = this.#state;
    this.#fingerprint = content.fingerprint;
    const after = apply(
      before,
      { ...compiled, problems: [...content.problems, ...compiled.problems] },
      revision,
    );
    if (!differs(before, after)) return before;
    this.#state = after;
    for (const listener of this.#listeners) listener(after);
    return after;
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
