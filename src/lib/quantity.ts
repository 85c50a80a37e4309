const UNIT_BYTES: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  p: 2 ** 50,
};

/**
 * Reads a size as Docker does: `512m`, `1g`, `1GiB`, `1Gi`, `64MB`, plain bytes. Units are powers
 * of 1024 whatever their spelling, letters of either case (docker/go-units, RAMInBytes).
 *
 * @returns whole bytes, or `undefined` when the text is no size
 */
export function parseQuantity(text: string): number | undefined {
  const match = /^(?<number>\d+(?:\.\d+)?) ?(?<unit>[kmgtp]?)(?:i?b|i)?$/i.exec(text);
  const unit = UNIT_BYTES[match?.groups?.['unit']?.toLowerCase() ?? ''];
  if (match?.groups === undefined || unit === undefined) return undefined;
  const bytes = Math.floor(Number(match.groups['number']) * unit);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Writes bytes the way `docker stats` does: `512MiB`, `1.5GiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${Number(value.toPrecision(4))}${units[unit]}`;
}
