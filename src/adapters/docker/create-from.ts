import { z } from 'zod';
import type { ContainerBlueprint, CreateOptions } from '#ports/container-operations.ts';
import { containerPath, isContainerRef, readBody } from './answers.ts';
import type { DockerConnection } from './connection.ts';
import { connectNetwork, disconnectNetwork } from './networks.ts';
import { expectDone } from './operation-answers.ts';
import { Blueprint, furtherNetworks, toCreateBody, unwantedNetwork } from './recreate.ts';
import { ImageConfig } from './recreate-image.ts';

const Identity = z
  .object({
    Id: z.string(),
    Name: z.string(),
    Image: z.string(),
    State: z.object({ Running: z.boolean() }),
    Config: z.object({ Image: z.string().nullish() }),
  })
  .transform((body) => ({
    id: body.Id,
    name: body.Name.replace(/^\//, ''),
    image: body.Config.Image ?? body.Image,
    imageId: body.Image,
    running: body.State.Running,
  }));
const ImageBody = z.object({ Id: z.string(), Config: ImageConfig.nullish() });
const Created = z.object({ Id: z.string().min(1) });

const CREATE_TIMEOUT_MS = 60_000;

/** @returns `undefined` when the container is gone */
export async function readBlueprint(
  connection: DockerConnection,
  ref: string,
  signal: AbortSignal,
): Promise<ContainerBlueprint | undefined> {
  if (!isContainerRef(ref)) return undefined;
  const path = containerPath(ref, '/json');
  const answer = await connection.request({ method: 'GET', path }, signal);
  if (answer.status === 404) return undefined;
  return readBody(answer, connection, path, (body) => ({ ...Identity.parse(body), raw: body }));
}

/**
 * Creates a container from a blueprint and attaches its networks; what was created is removed again
 * when a network cannot be attached.
 *
 * @returns the new container's id
 */
export async function createFrom(
  connection: DockerConnection,
  blueprint: ContainerBlueprint,
  options: CreateOptions,
  signal: AbortSignal,
): Promise<string> {
  const raw = Blueprint.parse(blueprint.raw);
  const { name, ...changes } = options;
  const body = toCreateBody(raw, {
    ...changes,
    imageToUse: options.image ?? (await faithfulImage(connection, blueprint, signal)),
    imageConfig: (await readImage(connection, blueprint.imageId, signal))?.Config ?? {},
  });
  const call = { path: '/containers/create', query: { name }, body, timeoutMs: CREATE_TIMEOUT_MS };
  const answer = await connection.request({ method: 'POST', ...call }, signal);
  expectDone(answer, `create ${name}`, blueprint.id);
  const id = readBody(answer, connection, call.path, (created) => Created.parse(created).Id);

  try {
    const unwanted = unwantedNetwork(raw);
    if (unwanted !== undefined) await disconnectNetwork(connection, unwanted, id, signal);
    for (const [network, endpoint] of furtherNetworks(raw)) {
      await connectNetwork(connection, network, endpoint, { id, signal });
    }
  } catch (error) {
    await discard(connection, id);
    throw error;
  }
  return id;
}

/** The reference, as long as it still names the image that ran; else the image's id. */
async function faithfulImage(
  connection: DockerConnection,
  { image, imageId }: ContainerBlueprint,
  signal: AbortSignal,
): Promise<string> {
  const named = await readImage(connection, image, signal);
  return named?.Id === imageId ? image : imageId;
}

async function readImage(connection: DockerConnection, reference: string, signal: AbortSignal) {
  // The slashes of a reference belong to the path: Docker's routes expect them as they are.
  const path = `/images/${reference.split('/').map(encodeURIComponent).join('/')}/json`;
  const answer = await connection.request({ method: 'GET', path }, signal);
  if (answer.status === 404) return undefined;
  return readBody(answer, connection, path, (body) => ImageBody.parse(body));
}

/** With a signal of its own: what made the creation fail may have been the caller's. */
async function discard(connection: DockerConnection, id: string): Promise<void> {
  const path = containerPath(id, '');
  const call = { method: 'DELETE', path, query: { v: '0', force: '1' } } as const;
  // The first failure is the one that counts; a container left behind was never started.
  await connection.request(call, new AbortController().signal).catch(() => undefined);
}
