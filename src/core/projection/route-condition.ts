import { stagesOf } from '#core/policy/routes.ts';
import type { PolicySpec } from '#core/policy/schema.ts';
import type { Readiness } from '#core/remediation/world.ts';
import type { Condition } from './schema.ts';

type Said = Pick<Condition, 'status' | 'reason' | 'message'>;

/** A provider may say much; the first of them are told. */
const TOLD_MAX = 6;

/**
 * Whether each stage for which a policy names routes to models has one that can be asked. Where none
 * has, Sentinel works by its rules alone.
 *
 * @param readinessOf what the last probe or request has shown; absent: nothing asks models here
 */
export function routeCondition(
  spec: Pick<PolicySpec, 'modelRouting'>,
  readinessOf: ((route: string) => Readiness) | undefined,
): Said {
  const stages = stagesOf(spec).map(({ stage, routes }) => ({
    stage,
    routes: routes.map((route) => ({ route, readiness: readinessOf?.(route) ?? NOT_PROBED })),
  }));
  if (stages.length === 0) {
    return { status: 'True', reason: 'NotUsed', message: 'the policy asks no model' };
  }
  const waiting = stages.filter(({ routes }) => routes.every(({ readiness }) => !readiness.ready));
  const lost = waiting.filter(({ routes }) => !routes.some(isUnknown));
  const [first] = lost;
  if (first !== undefined) {
    const reason = reasonOf(first.routes[0]?.readiness) ?? 'NotProbed';
    return { status: 'False', reason, message: `no model for ${lost.map(told).join('; ')}` };
  }
  if (waiting.length > 0) {
    const message = `not known yet for ${waiting.map(({ stage }) => stage).join(', ')}`;
    return { status: 'Unknown', reason: 'NotProbed', message };
  }
  const away = new Set(
    stages.flatMap(({ routes }) =>
      routes
        .filter(({ readiness }) => !readiness.ready)
        .map(({ route, readiness }) => `${route}: ${reasonOf(readiness)}`),
    ),
  );
  const rest = away.size === 0 ? '' : ` (not ${[...away].slice(0, TOLD_MAX).join(', ')})`;
  return { status: 'True', reason: 'Ready', message: `each stage has a model to ask${rest}` };
}

const NOT_PROBED: Readiness = {
  ready: false,
  reason: 'NotProbed',
  message: 'it was not asked yet',
};

interface Looked {
  readonly route: string;
  readonly readiness: Readiness;
}

function isUnknown({ readiness }: Looked): boolean {
  return reasonOf(readiness) === 'NotProbed';
}

function reasonOf(readiness: Readiness | undefined): string | undefined {
  return readiness === undefined || readiness.ready ? undefined : readiness.reason;
}

function told({ stage, routes }: { readonly stage: string; readonly routes: readonly Looked[] }) {
  const words = routes.slice(0, TOLD_MAX).map(({ route, readiness }) => {
    const message = readiness.ready ? '' : readiness.message;
    // What a provider has answered begins with the route already.
    return message.startsWith(route) ? message : `${route}: ${message}`;
  });
  return `${stage} (${words.join('; ')})`;
}
