import { readPolicyFolder } from '#adapters/files/policy-folder.ts';
import { readSentinelConfig } from '#adapters/files/sentinel-config.ts';
import type { LoadedPolicies } from '#cli/wiring.ts';
import { compilePolicySet } from '#core/policy/compile.ts';
import { providerNames } from '#core/policy/providers.ts';
import { looksSecret } from '#core/redaction/redact.ts';
import { BUILTIN_TOOL_NAMES, builtinTool } from '#core/remediation/tools.ts';

/** Reads and judges policies as one set, as `sentinel run` does, whatever became of it. */
export async function loadPolicies(
  paths: readonly string[],
  configFile: string | undefined,
): Promise<LoadedPolicies> {
  const settings =
    configFile === undefined ? undefined : await readSentinelConfig(configFile, BUILTIN_TOOL_NAMES);
  const contents = await Promise.all(paths.map((path) => readPolicyFolder(path)));
  // The same file may be named twice, by itself and by its folder.
  const documents = contents
    .flatMap((content) => content.documents)
    .filter(
      (document, index, all) =>
        all.findIndex(
          (other) =>
            other.file === document.file &&
            other.positionOf([]).line === document.positionOf([]).line,
        ) === index,
    );
  const compiled = compilePolicySet(
    documents.map((document) => ({ ...document, commit: '' })),
    {
      tool: builtinTool,
      builtinTools: BUILTIN_TOOL_NAMES,
      secretDetector: looksSecret,
      ...(settings === undefined
        ? {}
        : {
            enabledTools: settings.tools.enable,
            notifiers: Object.keys(settings.notifiers),
            providers: providerNames(settings.providers),
            // Whether there is a gateway, only the operator's environment says.
            servers: [...Object.keys(settings.mcp.servers), 'gateway'],
          }),
    },
  );
  const unreadable = contents.flatMap(({ problems }) => problems);
  const files = new Set([...documents, ...unreadable].map(({ file }) => file)).size;
  return { ...compiled, problems: [...unreadable, ...compiled.problems], files };
}
