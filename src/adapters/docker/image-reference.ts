/**
 * The repository part of an image reference, spelled as Docker lists it: without tag, digest and
 * Docker Hub's own host and namespace.
 *
 * @returns `undefined` for an image id, which belongs to no repository
 */
export function repositoryOf(reference: string): string | undefined {
  if (/^(?:sha256:)?[0-9a-f]{64}$/.test(reference) || reference.startsWith('sha256:')) {
    return undefined;
  }
  const withoutDigest = reference.split('@', 1)[0] ?? '';
  // A colon before the last slash belongs to a registry's port.
  const colon = withoutDigest.indexOf(':', withoutDigest.lastIndexOf('/') + 1);
  const repository = colon < 0 ? withoutDigest : withoutDigest.slice(0, colon);
  return repository.replace(/^(?:index\.)?docker\.io\//, '').replace(/^library\//, '');
}
