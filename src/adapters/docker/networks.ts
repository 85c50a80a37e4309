import { z } from 'zod';
import { RuntimeForbiddenError } from '#core/errors.ts';
import type { ContainerBlueprint } from '#ports/container-operations.ts';
import { containerPath, readBody } from './answers.ts';
import type { DockerConnection } from './connection.ts';
import { expectDone } from './operation-answers.ts';
import { attachedNetworks, Blueprint } from './recreate.ts';

const Networks = z
  .object({
    NetworkSettings: z.object({ Networks: z.record(z.string(), z.unknown()).nullish() }),
  })
  .transform((body) => Object.keys(body.NetworkSettings.Networks ?? {}));

/** Attaches every network of the blueprint, with aliases and addresses. Safe to repeat. */
export async function attachNetworks(
  connection: DockerConnection,
  blueprint: ContainerBlueprint,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  for (const [name, endpoint] of attachedNetworks(Blueprint.parse(blueprint.raw))) {
    await connectNetwork(connection, name, endpoint, { id, signal });
  }
}

/** Detaches every network. Safe to repeat; a container without any is left as it is. */
export async function detachNetworks(
  connection: DockerConnection,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const path = containerPath(id, '/json');
  const answer = await connection.request({ method: 'GET', path }, signal);
  expectDone(answer, `inspect ${id}`, id);
  const names = readBody(answer, connection, path, (body) => Networks.parse(body));
  for (const name of names) {
    if (name !== 'none' && name !== 'host') await disconnectNetwork(connection, name, id, signal);
  }
}

export async function connectNetwork(
  connection: DockerConnection,
  name: string,
  endpoint: object,
  { id, signal }: { readonly id: string; readonly signal: AbortSignal },
): Promise<void> {
  const path = `/networks/${encodeURIComponent(name)}/connect`;
  const body = { Container: id, EndpointConfig: endpoint };
  try {
    const answer = await connection.request({ method: 'POST', path, body }, signal);
    expectDone(answer, `connect ${id} to network ${name}`, id);
  } catch (error) {
    // Docker's answer to "already so" is 403 here.
    const isAlready = /endpoint with name .* already exists in network/;
    if (!(error instanceof RuntimeForbiddenError && isAlready.test(error.message))) throw error;
  }
}

export async function disconnectNetwork(
  connection: DockerConnection,
  name: string,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const path = `/networks/${encodeURIComponent(name)}/disconnect`;
  // Forced: a stopped container has no endpoint that could be left in order.
  const body = { Container: id, Force: true };
  const answer = await connection.request({ method: 'POST', path, body }, signal);
  expectDone(answer, `disconnect ${id} from network ${name}`, id);
}
