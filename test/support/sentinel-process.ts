import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { createFileJournalStorage } from '#adapters/files/journal-storage.ts';
import { readJournal } from '#controller/journal/reader.ts';
import { operatorReducer } from '#controller/journal-state.ts';
import type { Incident } from '#core/incident/incident.ts';
import type { RecordData } from '#core/journal/data.ts';
import type { JournalRecord, RecordType } from '#core/journal/record.ts';
import type { OperatorState } from '#core/journal/state.ts';
import { type CliEnd, sentinel } from './cli.ts';
import { eventually } from './engine.ts';

const ENTRY = resolve('src/sentinel.ts');
/** The name of the host in workload keys. */
export const HOST = 'box';
const STOP_MS = 35_000;

/** A test that dies before it disposes of its operator must not leave it to act on. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export interface SentinelOptions {
  /** SentinelPolicy documents, each written to a file of its own, which has the policy's name. */
  readonly policies: readonly object[];
  /** `spec` of the SentinelConfig; `maxActions` is far above what a test does unless it is given. */
  readonly config?: object;
  /** Beside PATH, HOME and DOCKER_HOST, which are passed on. */
  readonly env?: Readonly<Record<string, string>>;
  /** What `start` waits for; `serving` for an operator that cannot become ready. */
  readonly until?: 'ready' | 'serving';
}

/** A record with what its type carries. */
export type TypedRecord<Type extends RecordType> = Omit<JournalRecord, 'data'> & {
  readonly data: RecordData[Type];
};

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** How the operator ended: an exit code, or the signal that killed it. */
export type ProcessEnd = number | NodeJS.Signals;

/**
 * The operator as users start it: `sentinel run` as a process of its own, on a data directory and a
 * policy folder of this test. It may be killed and started again on the same directory.
 */
export class SentinelProcess implements AsyncDisposable {
  /** Everything that the operator has on disk. */
  readonly folder: string;
  readonly data: string;
  readonly policies: string;
  /** Lines of stderr, over all starts. */
  readonly logs: LogLine[] = [];
  readonly #options: SentinelOptions;
  #child: ChildProcess | undefined;
  #ended: Promise<ProcessEnd> = Promise.resolve(0);
  #url: string | undefined;
  #stderr = '';

  private constructor(folder: string, options: SentinelOptions) {
    this.folder = folder;
    this.data = join(folder, 'data');
    this.policies = join(folder, 'policies');
    this.#options = options;
  }

  /** Makes the folders and starts the operator. */
  static async start(options: SentinelOptions): Promise<SentinelProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'sentinel-e2e-'));
    const operator = new SentinelProcess(folder, options);
    try {
      await mkdir(operator.policies);
      for (const policy of options.policies) await operator.writePolicy(policy);
      await operator.writeConfig(options.config);
      await operator.start();
      // A typing error in a test would else show as an operator that does nothing.
      const invalid = operator.logs.find(({ msg }) => msg === 'a policy is invalid');
      if (invalid !== undefined) throw new Error(JSON.stringify(invalid));
      return operator;
    } catch (error) {
      await operator[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts the operator on what an earlier run has left behind. */
  async start(until = this.#options.until ?? 'ready'): Promise<void> {
    this.#spawn();
    await eventually(() => this.#isUp(until), {
      what: `an operator that is ${until}`,
      timeoutMs: 60_000,
    });
  }

  /** Starts it where it is expected to end by itself. */
  async startToEnd(): Promise<{ readonly end: ProcessEnd; readonly stderr: string }> {
    this.#stderr = '';
    this.#spawn();
    const end = await this.#ended;
    this.#child = undefined;
    return { end, stderr: this.#stderr };
  }

  /** Another operator on the same data directory and policies. */
  startRival(): Promise<CliEnd> {
    return sentinel(this.#args(), { env: this.#env() });
  }

  /** Ends it as a crash or a power cut does. */
  async kill9(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Ends it as systemd and Docker do. @returns its exit code */
  async stop(): Promise<ProcessEnd> {
    return this.#end('SIGTERM');
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end('SIGKILL');
    await rm(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }

  /** Writes a policy to the file that has its name; the operator reloads the folder by itself. */
  async writePolicy(policy: object): Promise<void> {
    const { metadata } = policy as { readonly metadata: { readonly name: string } };
    // JSON is YAML.
    await writeFile(this.policyFile(metadata.name), JSON.stringify(policy, null, 2));
  }

  /** Writes the SentinelConfig, which is read at the next start. */
  async writeConfig(spec: object = {}): Promise<void> {
    const config = {
      apiVersion: 'sre-sentinel.io/v1alpha1',
      kind: 'SentinelConfig',
      spec: { maxActions: { max: 1_000, per: '10m' }, ...spec },
    };
    await writeFile(this.#configFile(), JSON.stringify(config));
  }

  policyFile(name: string): string {
    return join(this.policies, `${name}.yaml`);
  }

  /** GET from the API. @returns status and parsed body, if it is JSON */
  async get(path: string): Promise<ApiAnswer> {
    return answerOf(await fetch(`${this.url}${path}`));
  }

  /** POST to the API with the operator token of the data directory. */
  async post(path: string, body: object): Promise<ApiAnswer> {
    const token = (await readFile(join(this.data, 'api-token'), 'utf8')).trim();
    return answerOf(
      await fetch(`${this.url}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    );
  }

  get url(): string {
    if (this.#url === undefined) throw new Error('the operator does not serve its API');
    return this.#url;
  }

  /** Every record that is on disk, oldest first. */
  async records(): Promise<JournalRecord[]> {
    const storage = createFileJournalStorage(join(this.data, 'journal'));
    const reading = await readJournal(storage, operatorReducer);
    return Array.fromAsync(reading.records(1));
  }

  async recordsOf<Type extends RecordType>(type: Type): Promise<TypedRecord<Type>[]> {
    const records = await this.records();
    return records.filter((one): one is JournalRecord & TypedRecord<Type> => one.type === type);
  }

  /** The state that the records on disk make up. */
  async state(): Promise<OperatorState> {
    const storage = createFileJournalStorage(join(this.data, 'journal'));
    return (await readJournal(storage, operatorReducer)).state;
  }

  /** Incidents about the container of this name, in the order in which they were opened. */
  async incidentsOf(name: string): Promise<Incident[]> {
    const { incidents } = await this.state();
    return Object.values(incidents)
      .filter(({ workload }) => workload.container === name)
      .sort((a, b) => a.openedSeq - b.openedSeq);
  }

  /** Waits until a record of the type is on disk, and satisfies `is`. */
  async untilRecord<Type extends RecordType>(
    type: Type,
    is: (record: TypedRecord<Type>) => boolean = () => true,
    timeoutMs = 30_000,
  ): Promise<TypedRecord<Type>> {
    return this.#orTell(type, () =>
      eventually(async () => (await this.recordsOf(type)).find(is), {
        what: `a record ${type}`,
        timeoutMs,
      }),
    );
  }

  /** Waits until the only incident of the container satisfies `is`. */
  async untilIncident(
    name: string,
    is: (incident: Incident) => boolean = () => true,
    timeoutMs = 30_000,
  ): Promise<Incident> {
    return this.#orTell(name, () =>
      eventually(async () => (await this.incidentsOf(name)).find(is), {
        what: `the incident of ${name}`,
        timeoutMs,
      }),
    );
  }

  /** Waits until the operator has an opinion on a candidate that is refused for this reason. */
  async untilRefused(name: string, reason: string): Promise<string> {
    const incident = await this.untilIncident(name, ({ candidates }) =>
      candidates.some(({ blockedBy }) => blockedBy.some((refusal) => refusal.reason === reason)),
    );
    const refusals = incident.candidates.flatMap(({ blockedBy }) => blockedBy);
    return refusals.find((refusal) => refusal.reason === reason)?.message ?? '';
  }

  /** `sentinel audit verify` on the data directory. */
  verifyJournal(): Promise<CliEnd> {
    return sentinel(['audit', 'verify', '--data', this.data]);
  }

  /** A failed wait says what the operator did instead: the journal tells it best. */
  async #orTell<Value>(what: string, wait: () => Promise<Value>): Promise<Value> {
    try {
      return await wait();
    } catch (cause) {
      const all = await this.records().catch(() => []);
      const about = all.filter(({ workload }) => workload === '' || workload.endsWith(`/${what}`));
      const lines = (about.some(({ workload }) => workload !== '') ? about : all).map(
        ({ seq, type, workload, data }) =>
          `${seq} ${type} ${workload} ${JSON.stringify(data).slice(0, 700)}`,
      );
      const logs = this.logs
        .filter(({ level }) => level !== 'info')
        .map((line) => JSON.stringify(line));
      const story = [...lines.slice(-40), ...logs.slice(-10)].join('\n');
      throw new Error(`waiting for ${what}:\n${story}`, { cause });
    }
  }

  #configFile(): string {
    return join(this.folder, 'sentinel.yaml');
  }

  #args(): string[] {
    const { policies, data } = this;
    return ['run', '--policies', policies, '--data', data, '--config', this.#configFile()];
  }

  #env(): Record<string, string> {
    const { PATH = '', HOME = '', DOCKER_HOST = '' } = process.env;
    return {
      PATH,
      HOME,
      DOCKER_HOST,
      SENTINEL_HOST: HOST,
      // Any free port: the log says which one it became.
      API_PORT: '0',
      ...this.#options.env,
    };
  }

  #spawn(): void {
    if (this.#child !== undefined) throw new Error('the operator runs already');
    const child = spawn(process.execPath, [ENTRY, ...this.#args()], {
      env: this.#env(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    running.add(child);
    this.#child = child;
    this.#url = undefined;
    createInterface({ input: child.stderr }).on('line', (line) => this.#takeLine(line));
    this.#ended = new Promise((done) => {
      child.on('close', (code, signal) => {
        running.delete(child);
        done(code ?? signal ?? 0);
      });
    });
  }

  #takeLine(line: string): void {
    this.#stderr += `${line}\n`;
    if (!line.startsWith('{')) return;
    const entry = JSON.parse(line) as LogLine;
    this.logs.push(entry);
    const { url } = entry;
    if (entry.msg === 'serving the API' && typeof url === 'string') this.#url = url;
  }

  async #isUp(until: 'ready' | 'serving'): Promise<boolean> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`the operator ended:\n${this.#stderr}`);
    }
    if (this.#url === undefined) return false;
    return until === 'serving' || (await fetch(`${this.#url}/readyz`)).ok;
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<ProcessEnd> {
    const child = this.#child;
    if (child === undefined) return this.#ended;
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    const end = await this.#ended;
    clearTimeout(late);
    this.#child = undefined;
    return end;
  }
}

export interface ApiAnswer {
  readonly status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- a test names the fields it looks at
  readonly body: any;
}

async function answerOf(response: Response): Promise<ApiAnswer> {
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return { status: response.status, body: isJson ? JSON.parse(text) : text };
}
