import { routesOf } from '#core/policy/routes.ts';
import type { RouteReadiness } from '#ports/model-client.ts';
import type { Finding } from './doctor-checks.ts';
import type { DoctorProbes } from './doctor-probes.ts';

type Reason = Extract<RouteReadiness, { readonly ready: false }>['reason'];

/**
 * What a person can do about a route that cannot be asked, and whether it needs one: what is missing
 * here fails, what may come back by itself is a warning, since Sentinel works without.
 */
const REMEDIES: Readonly<Record<Reason, readonly [level: 'warn' | 'fail', remedy: string]>> = {
  KeyMissing: [
    'fail',
    'Set it where sentinel run starts, or name a file that holds it with …_FILE.',
  ],
  ProviderUnknown: [
    'fail',
    'Name the provider in spec.providers of the SentinelConfig, or mend the route in the policy.',
  ],
  ProviderInvalid: ['fail', 'Mend the variable or the SentinelConfig; other providers still work.'],
  AddressMissing: ['fail', 'Set its baseUrl in spec.providers of the SentinelConfig.'],
  ModelUnknown: [
    'fail',
    'Name a model that the provider has: in the policy, or under its alias in spec.providers.',
  ],
  Refused: ['fail', 'See whether key, account and model are good at this provider.'],
  RateLimited: ['warn', 'It asks to be left alone for a while; rules alone find causes so long.'],
  Unreachable: [
    'warn',
    'Is it running, and its address right? Until then rules alone find causes.',
  ],
  NotProbed: ['warn', 'Ask once more.'],
};

/** Whether each route that the policies name can be asked, by asking. */
export async function modelsCheck(probes: DoctorProbes): Promise<readonly Finding[]> {
  const { policies } = await probes.policies();
  const routes = routesOf(policies);
  if (routes.length === 0) {
    return [{ level: 'ok', message: 'no policy asks a model: rules alone find causes' }];
  }
  return Promise.all(
    routes.map(async ({ name, stages }): Promise<Finding> => {
      const readiness = await probes.route(name);
      const uses = stages.join(', ');
      if (readiness.ready) return { level: 'ok', message: `${name} can be asked (${uses})` };
      const { reason, message } = readiness;
      const [level, remedy] = REMEDIES[reason];
      // What a provider has answered begins with the route already.
      const said = message.startsWith(name) ? message : `${name}: ${message}`;
      return { level, message: `${said} (${uses})`, remedy };
    }),
  );
}
