import type { CompiledPolicy } from '#core/policy/compile.ts';
import { type Governing, governing } from '#core/policy/select.ts';
import { builtinTool } from '#core/remediation/tools.ts';
import type { World } from '#core/remediation/world.ts';
import type { ContainerSummary } from '#core/workload/container.ts';
import { identityOf, type WorkloadIdentity, type WorkloadKey } from '#core/workload/key.ts';
import type { WorkloadView } from '#core/workload/view.ts';
import { defined } from '#lib/defined.ts';
import type { ActionRunner } from '#ports/action-runner.ts';
import type { Clock } from '#ports/clock.ts';
import type { PolicySet } from '#ports/policy-source.ts';
import type { Fleet } from './fleet.ts';
import { controllerNowMs, type OperatorJournal } from './journal-state.ts';

export interface WorldOptions {
  readonly clock: Clock;
  readonly journal: OperatorJournal;
  readonly fleet: Fleet;
  readonly actions: Pick<ActionRunner, 'readiness'>;
  readonly policies: () => PolicySet;
  readonly settlingUntilMs: () => number | undefined;
  /** Containers that must never be touched, by id. */
  readonly protectedContainers: () => ReadonlyMap<string, string>;
  readonly shadowAll: boolean;
  readonly maxActions: { readonly max: number; readonly perMs: number };
  /** HMAC with the secret of the data directory, hex. */
  readonly mac: (text: string) => string;
  readonly missingSecret: World['missingSecret'];
  readonly logOf?: World['logOf'];
}

type GovernedBy = Governing<CompiledPolicy>;

/** Puts together, for one instant, everything that a decision may look at. */
export class WorldBuilder {
  readonly #options: WorldOptions;
  /** Selection is remembered per container: a changed one, or another policy set, is another object. */
  #selected = new WeakMap<object, GovernedBy>();
  #selectedFor: PolicySet | undefined;

  constructor(options: WorldOptions) {
    this.#options = options;
  }

  build(): World {
    const { clock, journal, fleet, actions, protectedContainers } = this.#options;
    const state = journal.state();
    const policies = this.#options.policies();
    if (policies !== this.#selectedFor) {
      this.#selected = new WeakMap();
      this.#selectedFor = policies;
    }
    const settlingUntilMs = this.#options.settlingUntilMs();
    return {
      nowMs: controllerNowMs(state, clock),
      wallMs: clock.wallMs(),
      state,
      policies: policies.policies,
      views: fleet.views(),
      governing: (key) => this.#governing(policies.policies, key),
      workloadOf: (container) => fleet.workloadOf(container),
      // Asked for seldom, and then it must know the container that came a moment ago.
      get protected() {
        return protectedContainers();
      },
      ...(settlingUntilMs === undefined ? {} : { settlingUntilMs }),
      journalAvailable: journal.isAvailable(),
      shadowAll: this.#options.shadowAll,
      maxActions: this.#options.maxActions,
      generationOf: (name) => state.policies[name]?.generation ?? 0,
      mac: this.#options.mac,
      missingSecret: this.#options.missingSecret,
      ...defined({ logOf: this.#options.logOf }),
      tool: builtinTool,
      readiness: (tool) => actions.readiness(tool),
    };
  }

  /**
   * Whether a policy governs the workload, or one of its Compose project: a deployment there is in
   * everybody's way.
   *
   * @param named what an event says of the container: a new one was not inspected yet
   */
  isRelevant(key: WorkloadKey, named: Pick<ContainerSummary, 'name' | 'labels'>): boolean {
    const { fleet } = this.#options;
    const identity = identityOf(fleet.host, named);
    const selectable = { ...identity, image: '', labels: named.labels };
    const { policies } = this.#options.policies();
    if (this.governing(key).kind !== 'none') return true;
    if (governing(policies, selectable).kind !== 'none') return true;
    // Its image is not known before an inspect, and may be what a policy asks for.
    if (!fleet.views().has(key) && policies.some(({ spec }) => spec.selector.images)) return true;
    const { project } = identity;
    if (project === undefined) return false;
    return [...fleet.views().values()].some(
      (other) => other.identity.project === project && this.governing(other.key).kind !== 'none',
    );
  }

  /** Which policy governs the workload now. */
  governing(key: WorkloadKey): GovernedBy {
    return this.#governing(this.#options.policies().policies, key);
  }

  #governing(policies: readonly CompiledPolicy[], key: WorkloadKey): GovernedBy {
    const view = this.#options.fleet.views().get(key);
    if (view === undefined) return { kind: 'none' };
    const { container, identity } = view;
    const known = this.#selected.get(container ?? view);
    if (known !== undefined) return known;
    const found =
      container === undefined
        ? expectedBy(policies, identity)
        : governing(policies, { ...identity, image: container.image, labels: container.labels });
    this.#selected.set(container ?? view, found);
    return found;
  }
}

/** A workload that does not exist is governed by the policy that expects it. */
function expectedBy(policies: readonly CompiledPolicy[], identity: WorkloadIdentity): GovernedBy {
  const expecting = policies.filter(({ spec }) =>
    spec.expected.some((one) => isExpected(one, identity)),
  );
  const highest = Math.max(...expecting.map(({ spec }) => spec.priority));
  const [first, ...others] = expecting.filter(({ spec }) => spec.priority === highest);
  if (first === undefined) return { kind: 'none' };
  if (others.length === 0) return { kind: 'governed', policy: first };
  return { kind: 'conflict', policies: [first, ...others].map(({ name }) => name).sort() };
}

type Expected = CompiledPolicy['spec']['expected'][number];

function isExpected(expected: Expected, identity: WorkloadIdentity): boolean {
  return expected.service === undefined
    ? expected.name === identity.name
    : expected.service === identity.service && expected.project === identity.project;
}

/** The identities that policies expect and that no view stands for. */
export function missingOf(
  host: string,
  policies: readonly CompiledPolicy[],
  views: Iterable<WorkloadView>,
): WorkloadIdentity[] {
  const present = [...views].filter(
    ({ container, ambiguous }) => container !== undefined || ambiguous.length > 0,
  );
  return policies.flatMap(({ spec }) =>
    spec.expected.flatMap((expected) => missingFor(host, expected, present)),
  );
}

function missingFor(
  host: string,
  expected: Expected,
  present: readonly WorkloadView[],
): WorkloadIdentity[] {
  const { project, service, name, count } = expected;
  const there = present.filter(({ identity }) => isExpected(expected, identity));
  if (service === undefined || project === undefined) {
    return name === undefined || there.length > 0 ? [] : [{ host, name }];
  }
  const numbers = new Set(there.map(({ identity }) => identity.number));
  const missing: WorkloadIdentity[] = [];
  for (let number = 1; missing.length < count - there.length; number += 1) {
    if (numbers.has(number)) continue;
    missing.push({ host, project, service, number, name: `${project}-${service}-${number}` });
  }
  return missing;
}
