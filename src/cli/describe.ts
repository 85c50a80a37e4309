import { Command } from 'commander';
import { plainLine } from '#lib/plain-text.ts';
import { type ApiOptions, type Json, openApi, withApiOptions } from './api-client.ts';
import type { CliContext, ExitCode } from './context.ts';
import { fetchObject } from './fetch-object.ts';
import { findKind } from './kinds.ts';
import { formatTable } from './table.ts';
import { print } from './terminal.ts';

export function command(context: CliContext, end: (code: ExitCode) => void): Command {
  return withApiOptions(new Command('describe'))
    .argument('<kind>', 'workload, incident, policy or remediation')
    .argument('<name>')
    .addHelpText(
      'after',
      `
Examples:
  sentinel describe incident inc-20261124-k3v9q0m2xa
  sentinel describe policy shop-web`,
    )
    .action(async (word: string, name: string, options: ApiOptions) => {
      const api = await openApi(context, options);
      const object = await fetchObject(api, findKind(word), name);
      print(context.stdout, describeObject(object));
      end(0);
    });
}

/** Every field of an object, indented; lists of like objects as tables. */
export function describeObject(object: Json): string {
  return describeMembers(object, '').join('\n');
}

function describeMembers(object: Json, indent: string): string[] {
  return Object.entries(object).flatMap(([name, value]) => describeMember(name, value, indent));
}

function describeMember(name: string, value: unknown, indent: string): string[] {
  const title = `${indent}${name[0]?.toUpperCase() ?? ''}${name.slice(1)}:`;
  if (value === null || value === undefined || value === '') return [`${title} <none>`];
  if (Array.isArray(value)) return describeList(title, value, indent);
  if (typeof value === 'object') {
    const members = describeMembers(value as Json, `${indent}  `);
    return members.length === 0 ? [`${title} <none>`] : [title, ...members];
  }
  return [`${title} ${plainLine(scalar(value))}`];
}

function describeList(title: string, items: readonly unknown[], indent: string): string[] {
  if (items.length === 0) return [`${title} <none>`];
  const rows = items.filter((item): item is Json => typeof item === 'object' && item !== null);
  if (rows.length < items.length) {
    return [`${title} ${items.map((item) => plainLine(scalar(item))).join(', ')}`];
  }
  const isFlat = rows.every((row) =>
    Object.values(row).every((value) => typeof value !== 'object'),
  );
  if (isFlat) {
    const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
    const columns = names.map((name) => ({
      title: name.toUpperCase(),
      value: (row: Json) => scalar(row[name]),
    }));
    return [
      title,
      ...formatTable(columns, rows)
        .split('\n')
        .map((line) => `${indent}  ${line}`),
    ];
  }
  return [
    title,
    ...rows.flatMap((row) => {
      const [first = '', ...rest] = describeMembers(row, `${indent}    `);
      return [`${indent}  - ${first.trimStart()}`, ...rest];
    }),
  ];
}

function scalar(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value as string | number);
}
