import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const POLICIES = new URL('./policies/', import.meta.url);
/** The project that the policy files select; each run has one of its own. */
const PROJECT = '[sentinel-demo]';

/** Where a run keeps its policies, the operator's data and its log. */
export class WorkFolder implements AsyncDisposable {
  readonly path: string;
  readonly policies: string;
  readonly data: string;
  readonly log: string;
  /** Set when something failed: what was written is then left for whoever looks for the reason. */
  isKept = false;

  private constructor(path: string) {
    this.path = path;
    this.policies = join(path, 'policies');
    this.data = join(path, 'data');
    this.log = join(path, 'operator.log');
  }

  /** Makes the folder, with the policies of demo/policies for this project. */
  static async create(project: string): Promise<WorkFolder> {
    const folder = new WorkFolder(await mkdtemp(join(tmpdir(), `${project}-`)));
    await mkdir(folder.policies);
    for (const name of await readdir(POLICIES)) {
      const text = await readFile(new URL(name, POLICIES), 'utf8');
      if (!text.includes(PROJECT)) throw new Error(`${name} does not select ${PROJECT}`);
      await writeFile(join(folder.policies, name), text.replaceAll(PROJECT, `[${project}]`));
    }
    return folder;
  }

  /** Files that hold a text anywhere in them. */
  async filesWith(text: string): Promise<string[]> {
    const entries = await readdir(this.path, { recursive: true, withFileTypes: true });
    const paths = entries
      .filter((one) => one.isFile())
      .map((one) => join(one.parentPath, one.name));
    const found = await Promise.all(
      paths.map(async (path) => ((await readFile(path)).includes(text) ? [path] : [])),
    );
    return found.flat();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.isKept) await rm(this.path, { recursive: true, force: true });
  }
}
