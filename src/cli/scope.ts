import type { Command } from 'commander';
import { CliError } from './context.ts';

export interface ScopeOptions {
  readonly all?: boolean;
  readonly policy?: string;
  readonly workload?: string;
}

export interface Scope {
  readonly scope: 'all' | 'policy' | 'workload';
  readonly name: string;
}

export function withScopeOptions(command: Command): Command {
  return command
    .option('--all', 'everything on this host')
    .option('--policy <name>', 'the workloads of one policy')
    .option('--workload <key>', 'one workload');
}

/** @throws {CliError} not exactly one of them was given */
export function scopeOf({ all, policy, workload }: ScopeOptions): Scope {
  const given: Scope[] = [
    ...(all === true ? [{ scope: 'all', name: '' } as const] : []),
    ...(policy === undefined ? [] : [{ scope: 'policy', name: policy } as const]),
    ...(workload === undefined ? [] : [{ scope: 'workload', name: workload } as const]),
  ];
  const [only] = given;
  if (only !== undefined && given.length === 1) return only;
  throw new CliError(2, 'give one of --all, --policy NAME and --workload KEY');
}

export function targetOf({ scope, name }: Scope): string {
  return scope === 'all' ? 'everything on this host' : `${scope} ${name}`;
}
