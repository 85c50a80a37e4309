/** Resolves with the first of these signals; a second one ends the process at once. */
export function untilSignal(...names: NodeJS.Signals[]): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let first = true;
    for (const name of names) {
      process.on(name, () => {
        if (!first) process.exit(1);
        first = false;
        resolve(name);
      });
    }
  });
}
