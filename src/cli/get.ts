import { setTimeout as sleep } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { plainJson } from '#lib/plain-text.ts';
import {
  type ApiClient,
  type ApiOptions,
  type Json,
  openApi,
  type Query,
  withApiOptions,
} from './api-client.ts';
import { type CliContext, CliError, type ExitCode } from './context.ts';
import { fetchObject } from './fetch-object.ts';
import { type AnyObject, findKind, type Kind } from './kinds.ts';
import { formatTable } from './table.ts';
import { Paint, print } from './terminal.ts';

type Format = 'table' | 'wide' | 'json' | 'yaml';

interface Options extends ApiOptions {
  readonly output: Format;
  readonly watch?: boolean;
  readonly open?: boolean;
  readonly policy?: string;
  readonly workload?: string;
  readonly incident?: string;
}

const POLL_MS = 2_000;

export function command(context: CliContext, end: (code: ExitCode) => void): Command {
  return withApiOptions(new Command('get'))
    .argument('<kind>', 'workloads, incidents, policies or remediations (or wl, inc, pol, rem)')
    .argument('[name]', 'only this one')
    .addOption(
      new Option('-o, --output <format>', 'how to show them')
        .choices(['table', 'wide', 'json', 'yaml'])
        .default('table'),
    )
    .option('-w, --watch', 'go on, and show each one again when it changes')
    .option('--open', 'incidents: only open ones')
    .option('--policy <name>', 'workloads, incidents, remediations: only of this policy')
    .option('--workload <key>', 'incidents, remediations: only of this workload')
    .option('--incident <name>', 'remediations: only of this incident')
    .addHelpText(
      'after',
      `
Examples:
  sentinel get incidents --open
  sentinel get wl -o wide --policy shop-web
  sentinel get policies -o yaml
  sentinel get incidents -w`,
    )
    .action(async (word: string, name: string | undefined, options: Options) => {
      const kind = findKind(word);
      const query = queryOf(kind, name, options);
      const api = await openApi(context, options);
      const show = await createPresenter(context, kind, options.output);
      const seen = new Map<string, string>();
      show.all(remember(seen, await fetchItems(api, kind, name, query)), name !== undefined);
      while (options.watch === true && (await rest(context))) {
        const items = await fetchItems(api, kind, name, query);
        const changed = items.filter((item) => seen.get(nameOf(item)) !== JSON.stringify(item));
        if (changed.length > 0) show.more(remember(seen, changed));
      }
      end(0);
    });
}

async function fetchItems(
  api: ApiClient,
  kind: Kind,
  name: string | undefined,
  query: Query,
): Promise<readonly Json[]> {
  if (name !== undefined) return [await fetchObject(api, kind, name)];
  return api.list(`/api/v1/${kind.name}`, query);
}

/** @throws {CliError} a filter that was given would filter nothing */
function queryOf(kind: Kind, name: string | undefined, options: Options): Query {
  const wanted: Query = {
    open: options.open === true ? 'true' : undefined,
    policy: options.policy,
    workload: options.workload,
    incident: options.incident,
  };
  const given = Object.keys(wanted).filter((filter) => wanted[filter] !== undefined);
  const filters = name === undefined ? kind.filters : [];
  const useless = given.find((filter) => !filters.includes(filter));
  if (useless === undefined) return wanted;
  const what = name === undefined ? kind.name : `one of the ${kind.name}, which ${name} names`;
  const there = filters.map((filter) => `--${filter}`).join(', ');
  const remedy = there === '' ? 'Leave it out.' : `There is: ${there}`;
  throw new CliError(2, `--${useless} does not filter ${what}`, remedy);
}

interface Presenter {
  all(items: readonly Json[], single: boolean): void;
  /** Items that changed since: rows without titles, or further documents. */
  more(items: readonly Json[]): void;
}

async function createPresenter(
  context: CliContext,
  kind: Kind,
  format: Format,
): Promise<Presenter> {
  const { stdout } = context;
  if (format === 'json') {
    return {
      all: (items, single) => stdout.write(`${plainJson(single ? items[0] : listOf(items))}\n`),
      more: (items) => items.forEach((item) => stdout.write(`${plainJson(item)}\n`)),
    };
  }
  if (format === 'yaml') {
    const { dump } = await import('js-yaml');
    const yaml = (value: unknown) => print(stdout, dump(value, { lineWidth: 100 }).trimEnd());
    return {
      all: (items, single) => yaml(single ? items[0] : listOf(items)),
      more: (items) => items.forEach((item) => yaml(item)),
    };
  }
  const table = (items: readonly Json[]) => {
    const paint = new Paint(stdout, context.env);
    const columns = kind.columns({ nowMs: Date.now(), wide: format === 'wide', paint });
    return formatTable(columns, items as unknown as readonly AnyObject[]);
  };
  return {
    all: (items) => stdout.write(items.length === 0 ? `no ${kind.name}\n` : `${table(items)}\n`),
    more: (items) => stdout.write(`${table(items).split('\n').slice(1).join('\n')}\n`),
  };
}

function listOf(items: readonly Json[]) {
  return { kind: 'List', items };
}

function remember(seen: Map<string, string>, items: readonly Json[]): readonly Json[] {
  for (const item of items) seen.set(nameOf(item), JSON.stringify(item));
  return items;
}

function nameOf(item: Json): string {
  return (item['metadata'] as { readonly name?: string } | undefined)?.name ?? '';
}

/** @returns false when the user has had enough */
async function rest({ signal }: CliContext): Promise<boolean> {
  await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  return !signal.aborted;
}
