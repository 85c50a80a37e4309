/**
 * One value of a file of `key value` lines, as `cpu.stat` and `memory.stat` of both cgroup versions
 * are. Such a file has dozens of keys, and two of them matter.
 */
export function flatKey(text: string, key: string): number | undefined {
  const at = text.startsWith(`${key} `) ? 0 : text.indexOf(`\n${key} `) + 1;
  if (at === 0 && !text.startsWith(`${key} `)) return undefined;
  const end = text.indexOf('\n', at);
  return Number(text.slice(at + key.length + 1, end < 0 ? undefined : end));
}

/** Sums cgroup v2's `io.stat`: `8:0 rbytes=4096 wbytes=0 rios=1 …`, a line per device. */
export function parseIoStat(text: string): { readBytes: number; writeBytes: number } {
  const sumOf = (key: string) =>
    [...text.matchAll(new RegExp(`\\b${key}=(\\d+)`, 'g'))].reduce(
      (sum, [, value]) => sum + Number(value),
      0,
    );
  return { readBytes: sumOf('rbytes'), writeBytes: sumOf('wbytes') };
}

/** Sums cgroup v1's `blkio.…_service_bytes`: `8:0 Read 4096`, lines per device and operation. */
export function parseBlkio(text: string): { readBytes: number; writeBytes: number } {
  const sumOf = (operation: string) =>
    text
      .split('\n')
      .map((line) => line.split(' '))
      .filter(([, name]) => name === operation)
      .reduce((sum, [, , value]) => sum + Number(value), 0);
  return { readBytes: sumOf('Read'), writeBytes: sumOf('Write') };
}

/** Sums `/proc/PID/net/dev` over all interfaces but the loopback. */
export function parseInterfaces(text: string): { rxBytes: number; txBytes: number } {
  let rxBytes = 0;
  let txBytes = 0;
  for (const line of text.split('\n').slice(2)) {
    const colon = line.lastIndexOf(':');
    if (colon < 0 || line.slice(0, colon).trim() === 'lo') continue;
    // Eight columns of received, then eight of transmitted; bytes come first in both.
    const columns = line
      .slice(colon + 1)
      .trim()
      .split(/\s+/);
    rxBytes += Number(columns[0]);
    txBytes += Number(columns[8]);
  }
  return { rxBytes, txBytes };
}

/** Counts the processors that `/proc/stat` has a line for: those that are online. */
export function parseProcessors(text: string): number {
  return text.match(/^cpu\d+ /gm)?.length ?? 0;
}
