import { z } from 'zod';
import type { ContainerOperations } from '#ports/container-operations.ts';
import { readBody } from './answers.ts';
import type { DockerConnection } from './connection.ts';
import { repositoryOf } from './image-reference.ts';

type ImageHistory = Awaited<ReturnType<ContainerOperations['imageHistory']>>;

const Images = z.array(
  z.object({
    Id: z.string(),
    /** Epoch seconds. */
    Created: z.number(),
    RepoTags: z.array(z.string()).nullish(),
    RepoDigests: z.array(z.string()).nullish(),
  }),
);

/**
 * Images of one repository on the host, newest first. One that lost its tag to a newer pull still
 * has its digest, and is found by it; one built here and replaced has neither, and is not.
 */
export async function readImageHistory(
  connection: DockerConnection,
  reference: string,
  signal: AbortSignal,
): Promise<ImageHistory> {
  const repository = repositoryOf(reference);
  if (repository === undefined) return [];
  // Not by the server's `reference` filter: that leaves out images without a tag.
  const path = '/images/json';
  const answer = await connection.request({ method: 'GET', path }, signal);
  return readBody(answer, connection, path, (body) => Images.parse(body))
    .map(({ Id: id, Created: created, RepoTags: tags, RepoDigests: digests }) => ({
      id,
      references: [...(tags ?? []), ...(digests ?? [])].filter(
        (candidate) => repositoryOf(candidate) === repository,
      ),
      createdAtMs: created * 1_000,
    }))
    .filter(({ references }) => references.length > 0)
    .toSorted((left, right) => right.createdAtMs - left.createdAtMs);
}
