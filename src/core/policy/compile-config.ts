import { closest } from '#lib/edit-distance.ts';
import { SentinelConfig } from './config-schema.ts';
import { configJsonSchema } from './json-schema.ts';
import {
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
    ? enabledFindings(parsed.data, builtinTools)
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
