import { z } from 'zod';
import type { Attempt, Incident } from '#core/incident/incident.ts';
import { remediationObject } from '#core/projection/remediation-object.ts';
import { RemediationObject } from '#core/projection/schema.ts';
import type { HttpSources } from './options.ts';
import { PageMetadata, PageQuery, pageOf } from './page.ts';
import { HttpProblem } from './problem.ts';
import { type Route, route } from './route.ts';

const RemediationList = z
  .object({
    kind: z.literal('RemediationList'),
    metadata: PageMetadata,
    items: z.array(RemediationObject),
  })
  .meta({ id: 'RemediationList' });

interface Found {
  readonly attempt: Attempt;
  readonly incident: Incident;
}

/** Newest first, by the record of the intent. */
const BY_START = {
  keyOf: ({ attempt }: Found) => String(attempt.startedSeq),
  isAfter: ({ attempt }: Found, after: string) => attempt.startedSeq < Number(after),
};

export function remediationRoutes(sources: Pick<HttpSources, 'state'>): Route[] {
  const all = (): Found[] =>
    Object.values(sources.state().incidents).flatMap((incident) =>
      incident.attempts.map((attempt) => ({ attempt, incident })),
    );
  return [
    route({
      method: 'GET',
      path: '/api/v1/remediations',
      id: 'listRemediations',
      summary: 'Actions of the incidents that are listed, newest first',
      role: 'viewer',
      query: z.strictObject({
        ...PageQuery,
        incident: z.string().optional(),
        policy: z.string().optional(),
        workload: z.string().optional().describe('Workload key.'),
      }),
      answer: RemediationList,
      handle({ query }) {
        const found = all()
          .filter(
            ({ incident }) =>
              (query.incident === undefined || incident.name === query.incident) &&
              (query.policy === undefined || incident.policy.name === query.policy) &&
              (query.workload === undefined || incident.workload.key === query.workload),
          )
          .sort((a, b) => b.attempt.startedSeq - a.attempt.startedSeq);
        const { items, metadata } = pageOf(found, query, BY_START);
        return {
          kind: 'RemediationList',
          metadata,
          items: items.map(({ attempt, incident }) => remediationObject(attempt, incident)),
        };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/remediations/{name}',
      id: 'getRemediation',
      summary: 'One action, by the id of its intent',
      role: 'viewer',
      params: z.strictObject({ name: z.string().max(100) }),
      answer: RemediationObject,
      handle({ params }) {
        const found = all().find(({ attempt }) => attempt.intent === params.name);
        if (found === undefined) throw new HttpProblem(404, `there is no action ${params.name}`);
        return remediationObject(found.attempt, found.incident);
      },
    }),
  ];
}
