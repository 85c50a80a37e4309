/** Rounded the way kubectl rounds ages: `45s`, `5m30s`, `12m`, `3h5m`, `20h`, `2d3h`, `12d`. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return join(`${minutes}m`, seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return join(`${hours}h`, minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  return days < 8 ? join(`${days}d`, hours % 24, 'h') : `${days}d`;
}

/** Since an instant in RFC 3339; `<unknown>` for what is none. */
export function ageOf(time: string | undefined, nowMs: number): string {
  const atMs = Date.parse(time ?? '');
  return Number.isNaN(atMs) ? '<unknown>' : formatAge(nowMs - atMs);
}

function join(head: string, rest: number, unit: string): string {
  return rest === 0 ? head : `${head}${rest}${unit}`;
}
