import { z } from 'zod';
import { WorkloadObject } from '#core/projection/schema.ts';
import { workloadObject } from '#core/projection/workload-object.ts';
import type { HttpSources } from './options.ts';
import { PageMetadata, PageQuery, pageOf } from './page.ts';
import { HttpProblem } from './problem.ts';
import { type Route, route } from './route.ts';

const WorkloadList = z
  .object({
    kind: z.literal('WorkloadList'),
    metadata: PageMetadata,
    items: z.array(WorkloadObject),
  })
  .meta({ id: 'WorkloadList' });

const BY_KEY = {
  keyOf: ({ key }: { readonly key: string }) => key,
  isAfter: ({ key }: { readonly key: string }, after: string) => key > after,
};

export function workloadRoutes(sources: Pick<HttpSources, 'world'>): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/workloads',
      id: 'listWorkloads',
      summary: 'Every workload on this host, by key',
      role: 'viewer',
      query: z.strictObject({
        ...PageQuery,
        policy: z.string().optional().describe('Only those that this policy governs.'),
        project: z.string().optional().describe('Only those of this Compose project.'),
        state: z.string().optional().describe('Only those in this state.'),
      }),
      answer: WorkloadList,
      handle({ query }) {
        const world = sources.world();
        const views = [...world.views.values()]
          .filter((view) => {
            const { policy, project, state } = query;
            if (project !== undefined && view.identity.project !== project) return false;
            if (state !== undefined && view.container?.state !== state) return false;
            if (policy === undefined) return true;
            const governing = world.governing(view.key);
            return governing.kind === 'governed' && governing.policy.name === policy;
          })
          .sort((a, b) => (a.key < b.key ? -1 : 1));
        const { items, metadata } = pageOf(views, query, BY_KEY);
        return {
          kind: 'WorkloadList',
          metadata,
          items: items.map((view) => workloadObject(view, world)),
        };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/workloads/{key}',
      id: 'getWorkload',
      summary: 'One workload; the key with or without its slashes encoded',
      role: 'viewer',
      params: z.strictObject({ key: z.string() }),
      answer: WorkloadObject,
      handle({ params }) {
        const world = sources.world();
        const view = world.views.get(params.key);
        if (view === undefined) throw new HttpProblem(404, `there is no workload ${params.key}`);
        return workloadObject(view, world);
      },
    }),
  ];
}
