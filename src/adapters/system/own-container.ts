import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * Ids that may be the container this process runs in, most trustworthy first: from the mounts that
 * Docker makes for each container, from the cgroup path, and the hostname that Docker gives.
 * Whoever asks must confirm one with the daemon: outside a container none of them is.
 */
export function ownContainerCandidates(): readonly string[] {
  const mounts = matches(
    '/proc/self/mountinfo',
    /\/containers\/([0-9a-f]{64})\/(?:hostname|hosts|resolv\.conf) /g,
  );
  const cgroup = matches('/proc/self/cgroup', /[/-]([0-9a-f]{64})(?:\.scope)?$/gm);
  const name = hostname();
  const byName = /^[0-9a-f]{12}$/.test(name) ? [name] : [];
  return [...new Set([...mounts, ...cgroup, ...byName])];
}

function matches(path: string, pattern: RegExp): string[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return [];
  }
  return [...text.matchAll(pattern)].map(([, id = '']) => id);
}
