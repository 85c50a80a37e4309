/** `2026-11-24 12:00:05Z`: to the second, and unmistakably UTC. */
export function clock(time: string): string {
  return time.replace('T', ' ').replace(/(?:\.\d+)?Z$/, 'Z');
}

export function percent(ratio: number): string {
  return `${Math.round(ratio * 100)} %`;
}

/** `once`, `3 times`. */
export function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
