import { z } from 'zod';
import type { OperatorCommands } from './options.ts';
import { orderRoute } from './order-route.ts';
import type { Route } from './route.ts';

const Name = z.strictObject({ name: z.string().max(100) });

export function approvalRoutes(commands: OperatorCommands): Route[] {
  return [
    orderRoute({
      path: '/api/v1/incidents/{name}/approve',
      id: 'approveIncident',
      summary: 'Approve one candidate for the container that was looked at',
      params: Name,
      body: z.strictObject({
        candidate: z.string().min(1).max(200).describe('Id of the candidate.'),
        container: z.string().min(1).max(200).describe('Id of the container, in full.'),
      }),
      order: ({ params, body, caller }) =>
        commands.approve({ incident: params.name, ...body }, caller.actor),
    }),
    orderRoute({
      path: '/api/v1/incidents/{name}/deny',
      id: 'denyIncident',
      summary: 'Deny the candidate that waits for approval',
      params: Name,
      body: z.strictObject({
        candidate: z.string().min(1).max(200),
        reason: z.string().trim().min(1).max(500).describe('For the journal.'),
      }),
      order: ({ params, body, caller }) =>
        commands.deny({ incident: params.name, ...body }, caller.actor),
    }),
  ];
}
