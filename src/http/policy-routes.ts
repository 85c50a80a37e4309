import { z } from 'zod';
import { PolicyFileProblem, PolicyObject } from '#core/projection/schema.ts';
import { type ConditionMemory, type PolicySources, viewOf } from './condition-memory.ts';
import { PageMetadata, PageQuery, pageOf } from './page.ts';
import { HttpProblem } from './problem.ts';
import { type Route, route } from './route.ts';

const PolicyList = z
  .object({
    kind: z.literal('SentinelPolicyList'),
    metadata: PageMetadata,
    items: z.array(PolicyObject).describe('Those in force.'),
    problems: z.array(PolicyFileProblem).describe('Of the last load; with any it was not applied.'),
  })
  .meta({ id: 'SentinelPolicyList' });

const BY_NAME = {
  keyOf: ({ name }: { readonly name: string }) => name,
  isAfter: ({ name }: { readonly name: string }, after: string) => name > after,
};

export function policyRoutes(sources: PolicySources, memory: ConditionMemory): Route[] {
  const view = () => viewOf(sources);
  return [
    route({
      method: 'GET',
      path: '/api/v1/policies',
      id: 'listPolicies',
      summary: 'Policies in force, with their status',
      role: 'viewer',
      query: z.strictObject(PageQuery),
      answer: PolicyList,
      handle({ query }) {
        const now = view();
        const { items, metadata } = pageOf(sources.policies().policies, query, BY_NAME);
        return {
          kind: 'SentinelPolicyList',
          metadata,
          items: items.map((policy) => memory.object(policy, now)),
          problems: now.load.problems,
        };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/policies/{name}',
      id: 'getPolicy',
      summary: 'One policy in force, with its status',
      role: 'viewer',
      params: z.strictObject({ name: z.string().max(100) }),
      answer: PolicyObject,
      handle({ params }) {
        const policy = sources.policies().policies.find(({ name }) => name === params.name);
        if (policy === undefined) {
          throw new HttpProblem(404, `there is no policy ${params.name} in force`);
        }
        return memory.object(policy, view());
      },
    }),
  ];
}
