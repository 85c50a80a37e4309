import { Command, Option } from 'commander';
import { VERSION } from '#lib/version.ts';
import type { CliContext, ExitCode } from './context.ts';

export function command({ stdout }: CliContext, end: (code: ExitCode) => void): Command {
  return new Command('version')
    .addOption(new Option('-o, --output <format>', 'how').choices(['text', 'json']).default('text'))
    .addHelpText('after', '\nExample:\n  sentinel version -o json')
    .action(({ output }: { readonly output: string }) => {
      const { node, v8 } = process.versions;
      stdout.write(
        output === 'json'
          ? `${JSON.stringify({ version: VERSION, node, v8, platform: process.platform, arch: process.arch })}\n`
          : `sentinel ${VERSION} (node ${node}, ${process.platform}/${process.arch})\n`,
      );
      end(0);
    });
}
