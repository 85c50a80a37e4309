import { z } from 'zod';
import { parseDuration } from '#lib/duration.ts';
import type { OperatorCommands } from './options.ts';
import { orderRoute } from './order-route.ts';
import { HttpProblem } from './problem.ts';
import type { Route } from './route.ts';

const FOR_MS_MAX = 31 * 86_400_000;

const Scope = {
  scope: z.enum(['all', 'policy', 'workload']),
  name: z.string().max(1_000).default('').describe('Policy name or workload key; none for all.'),
  reason: z.string().trim().min(1).max(500).describe('For the journal, and for whoever asks why.'),
};

export function pauseRoutes(commands: OperatorCommands): Route[] {
  return [
    orderRoute({
      path: '/api/v1/pause',
      id: 'pause',
      summary: 'Begin no more actions; what is under way is still verified',
      body: z.strictObject({
        ...Scope,
        for: z.string().optional().describe('A duration such as 2h; until resumed unless given.'),
      }),
      order({ body, caller }) {
        const { scope, name, reason } = body;
        const forMs = body.for === undefined ? undefined : parseDuration(body.for);
        const isWrong = body.for !== undefined && (forMs === undefined || forMs <= 0);
        if (isWrong) throw new HttpProblem(400, 'body: for: must be a duration such as 90s or 2h');
        if ((forMs ?? 0) > FOR_MS_MAX) throw new HttpProblem(400, 'body: for: must be at most 31d');
        const order = { scope, name, reason, ...(forMs === undefined ? {} : { forMs }) };
        return commands.pause(order, caller.actor);
      },
    }),
    orderRoute({
      path: '/api/v1/resume',
      id: 'resume',
      summary: 'End a pause',
      body: z.strictObject({ ...Scope, reason: Scope.reason.default('resumed') }),
      order: ({ body, caller }) => commands.resume(body, caller.actor),
    }),
  ];
}
