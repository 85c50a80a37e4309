import { Command } from 'commander';
import type { CliContext, ExitCode } from './context.ts';

interface Options {
  readonly config?: boolean;
  readonly crd?: boolean;
}

export function command({ stdout }: CliContext, end: (code: ExitCode) => void): Command {
  return new Command('schema')
    .option('--config', 'of the SentinelConfig instead of the SentinelPolicy')
    .option('--crd', 'the CustomResourceDefinition of the SentinelPolicy, as YAML')
    .addHelpText(
      'after',
      `
Editors complete and check policies by the JSON Schema: begin a file with
  # yaml-language-server: $schema=sentinel-policy.schema.json

Examples:
  sentinel schema > sentinel-policy.schema.json
  sentinel schema --crd | kubectl apply -f -`,
    )
    .action(async ({ config, crd }: Options) => {
      const schemas = await import('#core/policy/json-schema.ts');
      if (crd === true) {
        const [{ policyCustomResourceDefinition }, { dump }] = await Promise.all([
          import('#core/policy/crd.ts'),
          import('js-yaml'),
        ]);
        stdout.write(dump(policyCustomResourceDefinition(), { lineWidth: 100, noRefs: true }));
      } else {
        const schema = config === true ? schemas.configJsonSchema() : schemas.policyJsonSchema();
        stdout.write(`${JSON.stringify(schema, null, 2)}\n`);
      }
      end(0);
    });
}
