import { RuntimeUnavailableError } from '#core/errors.ts';

/**
 * What this adapter speaks. The newest is the oldest that Docker Engine 29 still accepts, so one
 * dialect serves engines from 25 on; older ones get their own version.
 */
export const API_NEWEST = '1.44';
/** Engines before 1.24 (Docker 1.12) lack the event filters and health checks that are needed. */
export const API_OLDEST = '1.24';

/**
 * The version for every call: the lower of ours and theirs.
 *
 * @param theirs header `Api-Version` of `/_ping`; Docker's own client reads its absence as 1.24
 * @throws {RuntimeUnavailableError} the engine is older than we can speak to
 */
export function negotiateVersion(theirs: string | undefined, label: string): string {
  const version = theirs ?? API_OLDEST;
  if (!/^\d+\.\d+$/.test(version)) {
    throw new RuntimeUnavailableError(`${label} names no usable API version: ${version}`);
  }
  if (compareVersions(version, API_OLDEST) < 0) {
    throw new RuntimeUnavailableError(
      `${label} speaks Docker API ${version}; at least ${API_OLDEST} is needed`,
    );
  }
  return compareVersions(version, API_NEWEST) < 0 ? version : API_NEWEST;
}

/** @returns negative, zero or positive, as a comparator does */
export function compareVersions(left: string, right: string): number {
  const [leftMajor = 0, leftMinor = 0] = left.split('.').map(Number);
  const [rightMajor = 0, rightMinor = 0] = right.split('.').map(Number);
  return leftMajor - rightMajor || leftMinor - rightMinor;
}
