import { closest } from '#lib/edit-distance.ts';
import { SentinelConfig } from './config-schema.ts';
import { configJsonSchema } from './json-schema.ts';
import {
  type DocumentPath,
  type Finding,
  findingsOf,
  type PolicyDocument,
  type PolicyProblem,
  toProblem,
} from './problems.ts';

export interface CompiledConfig {
  /** Absent when there is a problem. */
  readonly config?: SentinelConfig;
  readonly problems: readonly PolicyProblem[];
}

const SCHEMA = configJsonSchema();
const BUILTIN_PREFIX = 'docker/';

/** Validates a SentinelConfig. @param builtinTools names of all tools of the built-in server */
export function compileConfig(
  document: PolicyDocument,
  builtinTools: readonly string[],
): CompiledConfig {
  const parsed = SentinelConfig.safeParse(document.value);
  const findings = parsed.success
    ? [...enabledFindings(parsed.data, builtinTools), ...unbuiltFindings(parsed.data)]
    : findingsOf(parsed.error, SCHEMA, document.value);
  const problems = findings.map((finding) => toProblem(document, finding));
  return parsed.success && problems.length === 0
    ? { config: parsed.data, problems: [] }
    : { problems };
}

/** A tool that is enabled under a wrong name stays disabled, and nobody would know why. */
function enabledFindings({ spec }: SentinelConfig, builtinTools: readonly string[]): Finding[] {
  const servers = Object.keys(spec.mcp.servers);
  return spec.tools.enable.flatMap((tool, index) => {
    const path = ['spec', 'tools', 'enable', index];
    if (tool.startsWith(BUILTIN_PREFIX)) {
      if (builtinTools.includes(tool)) return [];
      const near = closest(tool, builtinTools);
      const hint = near === undefined ? '' : `; did you mean ${near}?`;
      return [{ path, message: `there is no built-in tool ${tool}${hint}` }];
    }
    const server = tool.split('/', 1)[0] ?? '';
    if (servers.includes(server)) return [];
    return [{ path, message: `mcp.servers names no server ${server}` }];
  });
}

/** What is read and not acted on would be believed to hold: a lease that nobody takes, most of all. */
function unbuiltFindings({ spec }: SentinelConfig): Finding[] {
  const servers = Object.entries(spec.mcp.servers);
  const used: (DocumentPath | false)[] = [
    spec.lease !== 'none' && ['spec', 'lease'],
    spec.hosts !== undefined && ['spec', 'hosts'],
    spec.data.observationBytesMax !== undefined && ['spec', 'data', 'observationBytesMax'],
    ...servers.map(
      ([name, { maxConcurrent }]) =>
        maxConcurrent !== 1 && ['spec', 'mcp', 'servers', name, 'maxConcurrent'],
    ),
  ];
  return used
    .filter((path) => path !== false)
    .map((path) => ({ path, part: 'key', message: 'is not built yet: remove it' }));
}
