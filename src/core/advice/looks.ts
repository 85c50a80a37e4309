import { excerptLines, type RawLogLine } from '#core/diagnosis/evidence-text.ts';
import { cleanText } from '#core/redaction/foreign-text.ts';
import type { Redactor } from '#core/redaction/redactor.ts';
import { dependenciesOf } from '#core/remediation/affects.ts';
import type { JudgedSituation } from '#core/remediation/step.ts';
import { builtinTool } from '#core/remediation/tools.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/json.ts';
import { closedObject, GROUND_RULES, type Prompt } from './prompt.ts';
import type { Refs } from './refs.ts';

/**
 * One thing that may be looked up: a tool that only reads, on one container, with arguments of ours. A
 * model picks one by its id, as it picks a candidate.
 */
export interface Look {
  readonly id: string;
  readonly tool: string;
  readonly arguments: JsonObject;
  readonly target: ObservedContainer;
  /** `docker/get_logs of c2`. */
  readonly title: string;
}

const TARGETS_MAX = 8;
const LOG_LINES = 100;
const LINES_MAX = 200;
const LINE_CHARS_MAX = 500;
const ENOUGH = 'enough';

/** What the policy lets a model look up: of the container itself, and of what it depends on. */
export function looksFor({ world, view, policy }: JudgedSituation, refs: Refs): Look[] {
  const { tools = [], maxSteps = 0 } = policy.spec.diagnosis.investigate ?? {};
  if (maxSteps === 0) return [];
  const keys = [view.key, ...dependenciesOf(world, view).map(({ key }) => key)];
  const targets = [...new Set(keys)].slice(0, TARGETS_MAX).flatMap((key) => {
    const container = world.views.get(key)?.container;
    return container === undefined ? [] : [{ ref: refs.of(key, container.name), container }];
  });
  return targets.flatMap(({ ref, container }) =>
    tools
      .filter((name) => builtinTool(name)?.readOnly === true && name !== 'docker/list_containers')
      .map((tool, index) => ({
        id: `look-${ref}-${index + 1}`,
        tool,
        arguments: tool === 'docker/get_logs' ? { tail: LOG_LINES } : {},
        target: container,
        title: `${tool} of ${ref}`,
      })),
  );
}

/** @param user what is known so far */
export function lookQuestion(user: string, looks: readonly Look[]): Prompt {
  const list = looks.map(({ id, title }) => `${id}: ${title}`).join('\n');
  return {
    system: `${GROUND_RULES}
You look for the cause of an incident. Say what should be looked up next to find it, by its id, or "${ENOUGH}" when what is known is enough or nothing in the list would add to it.`,
    user: `${user}\n\n## What can be looked up\n${list}`,
    schema: closedObject({ look: { enum: [...looks.map(({ id }) => id), ENOUGH] } }),
    maxTokens: 200,
  };
}

/** @returns `undefined`: nothing more */
export function pickedLook(value: JsonValue, looks: readonly Look[]): Look | undefined {
  const id = isJsonObject(value) ? value['look'] : undefined;
  return looks.find((look) => look.id === id);
}

/** Names, which are for us alone: a prompt has others. And what says nothing of the trouble. */
const LEFT_OUT: ReadonlySet<string> = new Set(['id', 'name', 'expect', 'truncated']);

/** What a tool answered, fit for a prompt: a line for each value, log lines as they are. */
export function lookLines(result: JsonObject, { target }: Look): string[] {
  const redactor = target.secrets?.redactor;
  const lines = Object.entries(result)
    .filter(([name]) => !LEFT_OUT.has(name))
    .flatMap(([name, value]) => linesOf(name, value, redactor));
  // That a log is empty is worth knowing too.
  if (lines.length === 0) return ['nothing'];
  return lines.slice(-LINES_MAX).map((line) => line.slice(0, LINE_CHARS_MAX));
}

function linesOf(name: string, value: JsonValue, redactor: Redactor | undefined): string[] {
  if (isLog(value)) return excerptLines(value, redactor);
  if (isJsonObject(value)) {
    return Object.entries(value).flatMap(([member, of]) =>
      linesOf(`${name}.${member}`, of, redactor),
    );
  }
  // Cleaned as it is: within JSON, escapes would stand between a secret and what tells of it.
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return cleanText(`${name}: ${text}`, redactor).split('\n');
}

/** Lines of a log, as `docker/get_logs` has them. */
function isLog(value: JsonValue): value is (JsonObject & RawLogLine)[] {
  return (
    Array.isArray(value) &&
    value.every((line) => isJsonObject(line) && typeof line['text'] === 'string')
  );
}
