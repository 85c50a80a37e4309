import { COMPOSE_PROJECT } from './workload-plans.ts';

/** What is so on the simulated host, whether Sentinel can know it or not. */
export class Truth {
  /** Containers that a person has taken, by id, and how. */
  readonly holds = new Map<string, string>();
  /** `incident/candidate` that a person has approved. */
  readonly approvals = new Set<string>();
  /** Scopes and names that are paused, `all:` among them. */
  readonly pauses = new Set<string>();
  /** Events by people that Sentinel was told of in its present life: project or name → when. */
  readonly deploymentsTold = new Map<string, number>();
  /** `timeNano` of what people did to containers as such: creations, renamings, removals. */
  readonly byPeople = new Set<string>();
  /** Container id → when it was last seen to be other than well, in passed milliseconds. */
  readonly illAtMs = new Map<string, number>();
  /** Container id → when it was last seen to be well, in passed milliseconds. */
  readonly wellAtMs = new Map<string, number>();
  /** What ails a process until its end though its engine calls it well: container id → bytes it holds. */
  readonly leaking = new Map<string, number>();
  /** Ids of containers whose process does not answer on its port. */
  readonly deaf = new Set<string>();
  /** Ids of containers whose volume is full, which no restart changes. */
  readonly full = new Set<string>();
  /** Container id → when one of the others ailed it last, in passed milliseconds. */
  readonly ailedAtMs = new Map<string, number>();
  /** Container id → when it last wrote an error, in passed milliseconds. */
  readonly complainedAtMs = new Map<string, number>();

  /** A process has ended, and what ailed it with it. */
  ended(id: string): void {
    this.leaking.delete(id);
    this.deaf.delete(id);
  }
}

/** What a deployment of one container keeps others from being touched in. */
export function deploymentScope(container: {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}): string {
  return container.labels[COMPOSE_PROJECT] ?? container.name;
}
