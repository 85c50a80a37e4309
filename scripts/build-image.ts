// Builds the image through the Docker API, where no docker command is installed:
// `node scripts/build-image.ts [TAG]`. With one, `docker build -t TAG .` does the same.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import Docker from 'dockerode';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

if (import.meta.main) {
  const tag = process.argv[2] ?? 'sre-sentinel:latest';
  await buildImage(new Docker(), tag, (text) => process.stdout.write(text));
  console.log(tag);
}

/**
 * Builds the Dockerfile at the root under the name `tag`.
 *
 * @param tell receives the builder's output as it comes
 * @throws {Error} with the builder's last lines
 */
export async function buildImage(
  docker: Docker,
  tag: string,
  tell: (text: string) => void,
): Promise<void> {
  const tar = spawn('tar', ['-c', '-C', ROOT, ...(await contextArguments())], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const progress = await docker.buildImage(tar.stdout, {
    t: tag,
    forcerm: true,
    // npm reaches its registry also where this engine's own networks lead nowhere.
    networkmode: 'host',
  });
  let output = '';
  let failure: string | undefined;
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(
      progress,
      (error) => (error ? reject(error) : resolve()),
      // A failed step is an ordinary message of the stream, whose end is in good order.
      ({ stream = '', error }: { stream?: string; error?: string }) => {
        output = (output + stream).slice(-4000);
        failure ??= error;
        tell(stream);
      },
    );
  });
  if (failure !== undefined) throw new Error(`${failure}\n${output}`);
}

/** The engine leaves .dockerignore to its client, and over the API this is the client. */
async function contextArguments(): Promise<string[]> {
  const lines = (await readFile(`${ROOT}.dockerignore`, 'utf8')).split('\n');
  const kept = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  const left = lines.filter((line) => line.startsWith('**/')).map((line) => line.slice(3));
  return [
    ...left.map((pattern) => `--exclude=${pattern}`),
    'Dockerfile',
    ...kept.filter((name) => existsSync(ROOT + name)),
  ];
}
