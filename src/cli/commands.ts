import type { Command } from 'commander';
import type { CliContext, ExitCode } from './context.ts';

/** What a command's file exports: the command with its options, help and action. */
export interface CommandModule {
  command(context: CliContext, end: (code: ExitCode) => void): Command;
}

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  /** Only the command that is called is loaded: start-up time is felt. */
  readonly load: () => Promise<CommandModule>;
}

/** In the order in which help lists them. */
export const COMMANDS: readonly CommandEntry[] = [
  { name: 'run', summary: 'Run the operator', load: () => import('./run.ts') },
  { name: 'validate', summary: 'Check policy files', load: () => import('./validate.ts') },
  {
    name: 'get',
    summary: 'List workloads, incidents, policies or remediations',
    load: () => import('./get.ts'),
  },
  { name: 'describe', summary: 'Show one object in full', load: () => import('./describe.ts') },
  {
    name: 'explain',
    summary: 'Say why something was, or was not, done about an incident',
    load: () => import('./explain.ts'),
  },
  {
    name: 'approve',
    summary: 'Approve an action that waits for a person',
    load: () => import('./approve.ts'),
  },
  { name: 'deny', summary: 'Deny an action that waits', load: () => import('./deny.ts') },
  { name: 'pause', summary: 'Begin no more actions', load: () => import('./pause.ts') },
  { name: 'resume', summary: 'End a pause', load: () => import('./resume.ts') },
  { name: 'audit', summary: 'Read and check the journal', load: () => import('./audit.ts') },
  {
    name: 'doctor',
    summary: 'Find out what is wrong with this installation',
    load: () => import('./doctor.ts'),
  },
  {
    name: 'mcp',
    summary: 'Serve the Docker tools, list tools, pin those of other servers',
    load: () => import('./mcp.ts'),
  },
  {
    name: 'redact',
    summary: 'Show what a model would see of a text',
    load: () => import('./redact.ts'),
  },
  {
    name: 'simulate',
    summary: 'Try the operator on simulated hosts where everything fails',
    load: () => import('./simulate.ts'),
  },
  {
    name: 'schema',
    summary: 'Print JSON Schemas and the Kubernetes CRD',
    load: () => import('./schema.ts'),
  },
  {
    name: 'completion',
    summary: 'Print a completion script for a shell',
    load: () => import('./completion.ts'),
  },
  { name: 'version', summary: 'Print the version', load: () => import('./version.ts') },
];
