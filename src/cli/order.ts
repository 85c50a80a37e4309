import type { IncidentObject } from '#core/projection/schema.ts';
import type { ApiClient } from './api-client.ts';
import { CliError } from './context.ts';

/** The incident, as it is now. */
export async function fetchIncident(api: ApiClient, name: string): Promise<IncidentObject> {
  const object = await api.get(`/api/v1/incidents/${encodeURIComponent(name)}`);
  return object as unknown as IncidentObject;
}

/**
 * The candidate that an order is about: the one that was named, else the one that waits.
 *
 * @throws {CliError} nothing waits, or there is none of that name
 */
export function chooseCandidate(
  { metadata, status }: IncidentObject,
  wanted: string | undefined,
): string {
  if (wanted !== undefined) {
    const found = status.candidates.filter(({ id, action }) => id === wanted || action === wanted);
    const [only] = found;
    if (found.length === 1 && only !== undefined) return only.id;
    const ids = status.candidates.map(({ id }) => id).join(', ') || 'none';
    throw new CliError(1, `${metadata.name} has no candidate ${wanted}; there are: ${ids}`);
  }
  if (status.approval?.state === 'Requested') return status.approval.candidate;
  const lifted = status.candidates.filter(({ blockedBy }) =>
    blockedBy.some(({ reason }) => reason === 'IntentUnknown' || reason === 'ApprovalRequired'),
  );
  // What nobody has asked for yet is not what a person who names nothing says yes to.
  const remedy =
    lifted.length === 0
      ? undefined
      : `Name one with --candidate: ${lifted.map(({ id }) => id).join(', ')}`;
  throw new CliError(1, `${metadata.name}: nothing waits for approval`, remedy);
}
