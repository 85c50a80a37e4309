import { z } from 'zod';
import type { ContainerSummary, HealthStatus } from '#core/workload/container.ts';
import { toContainerState } from './inspect-body.ts';

const ListingBody = z.array(
  z.object({
    Id: z.string().min(1),
    Names: z.array(z.string()).nullish(),
    Labels: z.record(z.string(), z.string()).nullish(),
    State: z.string(),
    Status: z.string().nullish(),
  }),
);

/** @throws {Error} the body is no listing */
export function parseListing(value: unknown): readonly ContainerSummary[] {
  return ListingBody.parse(value).map(({ Id, Names, Labels, State, Status }) => {
    const healthInStatus = toHealth(Status ?? '');
    return {
      id: Id,
      name: toName(Names ?? []),
      labels: Labels ?? {},
      state: toContainerState(State),
      ...(healthInStatus !== undefined && { healthInStatus }),
    };
  });
}

/** With links, a container is also listed under `/other/alias`; its own name has one slash. */
function toName(names: readonly string[]): string {
  const own = names.find((name) => !name.slice(1).includes('/')) ?? names[0] ?? '';
  return own.replace(/^\//, '');
}

function toHealth(status: string): HealthStatus | undefined {
  if (status.endsWith('(healthy)')) return 'healthy';
  if (status.endsWith('(unhealthy)')) return 'unhealthy';
  return status.endsWith('(health: starting)') ? 'starting' : undefined;
}
