import type { PolicyRef } from '#core/journal/record.ts';
import type { ToolDescription } from '#core/remediation/tools.ts';
import type { ArgumentTemplate, SecretDetector } from './arguments.ts';
import type { CelReads, CompiledWhen } from './cel.ts';
import type { DenyWindow } from './deny-window.ts';
import type { CompiledPattern } from './pattern.ts';
import type { PolicySpec, RemediationAction, Threshold } from './schema.ts';
import type { SelectorMatch } from './selector.ts';

/** What a set of policies is compiled against. */
export interface CompileContext {
  /** `undefined`: no such tool, or its server has not told of it yet. */
  readonly tool: (name: string) => ToolDescription | undefined;
  /** Names of the built-in tools, for "did you mean". */
  readonly builtinTools: readonly string[];
  /** Finds secrets in the clear; what redaction finds unless given. */
  readonly secretDetector?: SecretDetector;
  /** `tools.enable` of the SentinelConfig; none unless given. */
  readonly enabledTools?: readonly string[];
  /** Names of the MCP servers beside the built-in one; absent: not known. */
  readonly servers?: readonly string[];
  /** Names of its notifiers; absent: not known. */
  readonly notifiers?: readonly string[];
  /** What a route to a model may begin with; absent: not known. */
  readonly providers?: readonly string[];
}

/** A threshold of the policy, durations in milliseconds, with what is compiled from it. */
export interface CompiledThreshold extends Threshold {
  /** Its signal is `log.*`, or its `when` reads one: anybody who can make it log can breach it. */
  readonly logDerived: boolean;
  /** What must be collected for it, also where it names a signal. */
  readonly reads: CelReads;
  /** Present exactly when `when` is. */
  readonly compiledWhen?: CompiledWhen;
  /** Present exactly when `pattern` is. */
  readonly compiledPattern?: CompiledPattern;
}

/** An action of the policy, durations in milliseconds. */
export interface CompiledAction extends RemediationAction {
  /** Names of the thresholds that make it eligible, defaults resolved. */
  readonly on: string[];
  readonly template: ArgumentTemplate;
}

/** What must be collected beside container state and events, which always are. */
export interface Needs {
  readonly stats: boolean;
  readonly logs: boolean;
  readonly probes: boolean;
  readonly filesystem: boolean;
}

export interface CompiledPolicy extends PolicyRef {
  /** Name, digest and commit by themselves, as records cite them. */
  readonly ref: PolicyRef;
  readonly file: string;
  readonly labels: Readonly<Record<string, string>>;
  /** As validated, defaults applied, durations in milliseconds. */
  readonly spec: PolicySpec;
  readonly selects: SelectorMatch;
  readonly thresholds: readonly CompiledThreshold[];
  /** The ladder, in order. */
  readonly actions: readonly CompiledAction[];
  readonly denyWindows: readonly DenyWindow[];
  readonly needs: Needs;
}
