import { createInterface } from 'node:readline';
import { hostileAnswer } from './hostile-mcp.ts';

// A program to be started by a client.
for await (const line of createInterface({ input: process.stdin })) {
  const said = hostileAnswer(JSON.parse(line));
  if (said === undefined) continue;
  do {
    const isTaken = process.stdout.write(said.endless === true ? said.text : `${said.text}\n`);
    if (!isTaken) await new Promise((resolve) => process.stdout.once('drain', resolve));
  } while (said.endless === true);
}
process.exit(0);
