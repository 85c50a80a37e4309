import { z } from 'zod';
import { type Incident, isOpen } from '#core/incident/incident.ts';
import { incidentObject } from '#core/projection/incident-object.ts';
import { IncidentObject } from '#core/projection/schema.ts';
import type { HttpSources } from './options.ts';
import { PageMetadata, PageQuery, pageOf } from './page.ts';
import { HttpProblem } from './problem.ts';
import { type Route, route } from './route.ts';

const IncidentList = z
  .object({
    kind: z.literal('IncidentList'),
    metadata: PageMetadata,
    items: z.array(IncidentObject),
  })
  .meta({ id: 'IncidentList' });

const Name = z.strictObject({ name: z.string().max(100) });

/** Newest first, by the record that opened them. */
const BY_OPENING = {
  keyOf: ({ openedSeq }: Incident) => String(openedSeq),
  isAfter: ({ openedSeq }: Incident, after: string) => openedSeq < Number(after),
};

export function incidentRoutes(sources: Pick<HttpSources, 'state'>): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/incidents',
      id: 'listIncidents',
      summary: 'Open incidents and those resolved lately, newest first',
      role: 'viewer',
      query: z.strictObject({
        ...PageQuery,
        open: z.enum(['true', 'false']).optional().describe('Only open ones, or only others.'),
        policy: z.string().optional(),
        workload: z.string().optional().describe('Workload key.'),
        severity: z.enum(['warning', 'critical']).optional(),
      }),
      answer: IncidentList,
      handle({ query }) {
        const state = sources.state();
        const { open, policy, workload, severity } = query;
        const incidents = Object.values(state.incidents)
          .filter(
            (incident) =>
              (open === undefined || isOpen(incident) === (open === 'true')) &&
              (policy === undefined || incident.policy.name === policy) &&
              (workload === undefined || incident.workload.key === workload) &&
              (severity === undefined || incident.severity === severity),
          )
          .sort((a, b) => b.openedSeq - a.openedSeq);
        const { items, metadata } = pageOf(incidents, query, BY_OPENING);
        return {
          kind: 'IncidentList',
          metadata,
          items: items.map((incident) => incidentObject(incident, state)),
        };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/incidents/{name}',
      id: 'getIncident',
      summary: 'One incident',
      role: 'viewer',
      params: Name,
      answer: IncidentObject,
      handle({ params }) {
        const state = sources.state();
        const incident = Object.hasOwn(state.incidents, params.name)
          ? state.incidents[params.name]
          : undefined;
        if (incident === undefined) {
          throw new HttpProblem(404, `there is no incident ${params.name}`);
        }
        return incidentObject(incident, state);
      },
    }),
  ];
}
