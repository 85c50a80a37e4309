import { Command } from 'commander';
import type { IncidentObject } from '#core/projection/schema.ts';
import { callWords } from '#core/remediation/call-words.ts';
import { plainLine } from '#lib/plain-text.ts';
import { type ApiOptions, openApi, withApiOptions } from './api-client.ts';
import type { CliContext, ExitCode } from './context.ts';
import { chooseCandidate, fetchIncident } from './order.ts';
import { print } from './terminal.ts';

interface Options extends ApiOptions {
  readonly candidate?: string;
}

export function command(context: CliContext, end: (code: ExitCode) => void): Command {
  return withApiOptions(new Command('approve'))
    .argument('<incident>')
    .option('--candidate <id>', 'id or action of the candidate; the one that waits unless given')
    .addHelpText(
      'after',
      `
An approval is for one candidate, with the arguments that are shown, on the container that the
incident has now. It expires, and ends when the policy changes. The gate is asked again before
anything is done, and may still say no.

Example:
  sentinel approve inc-20261124-k3v9q0m2xa`,
    )
    .action(async (name: string, options: Options) => {
      const api = await openApi(context, options);
      const incident = await fetchIncident(api, name);
      const candidate = chooseCandidate(incident, options.candidate);
      const container = incident.spec.workload.id;
      await api.post(`/api/v1/incidents/${encodeURIComponent(name)}/approve`, {
        candidate,
        container,
      });
      const call = plainLine(callOf(incident, candidate));
      print(
        context.stdout,
        `approved: ${candidate} (${call}) on ${incident.spec.workload.container}`,
      );
      end(0);
    });
}

/** What would be done, as it stood when it was approved. */
function callOf({ status }: IncidentObject, candidate: string): string {
  const { approval, candidates } = status;
  const asked = approval?.state === 'Requested' && approval.candidate === candidate;
  const shown = asked ? approval : candidates.find(({ id }) => id === candidate);
  return shown?.tool === undefined ? 'unknown' : callWords(shown.tool, shown.arguments);
}
