import { createHmac } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createBuiltinActions } from '#actions/builtin-actions.ts';
import { createDockerConnection } from '#adapters/docker/connection.ts';
import { createDockerOperations } from '#adapters/docker/docker-operations.ts';
import { createDockerRuntime } from '#adapters/docker/docker-runtime.ts';
import { newJournalId, openDataDirectory } from '#adapters/files/data-directory.ts';
import { createFileJournalStorage } from '#adapters/files/journal-storage.ts';
import { createMcpActionRunner } from '#adapters/mcp/mcp-action-runner.ts';
import { createFilesystemProbe } from '#adapters/system/filesystem-probe.ts';
import { createProber } from '#adapters/system/prober.ts';
import { untilSignal } from '#adapters/system/signals.ts';
import { createSystemClock } from '#adapters/system/system-clock.ts';
import { Controller } from '#controller/controller.ts';
import { openJournal } from '#controller/journal/journal.ts';
import { operatorReducer } from '#controller/journal-state.ts';
import { resolveSecrets } from '#core/remediation/secrets.ts';
import { startHttpServer } from '#http/server.ts';
import { VERSION } from '#lib/version.ts';
import { createTelemetry } from '#telemetry/telemetry.ts';
import type { Overrides } from './config.ts';
import { readComposeFile } from './entry/compose-file.ts';
import { openModels } from './entry/models.ts';
import { notify } from './entry/notifiers.ts';
import {
  apiOptions,
  engineName,
  followPins,
  journalOptions,
  loopSettings,
  openEvidence,
  openPolicies,
  protection,
  publish,
  readConfiguration,
  readingsOf,
  startOnPolicies,
  toolServers,
  untilConnected,
} from './entry/wiring.ts';

/** Reconciles at once. */
const WORKERS = 4;

/**
 * Runs the operator until it is told to stop.
 *
 * @returns the exit code
 * @throws {ConfigError} the environment, the SentinelConfig or the data directory cannot be used, or
 *   with `once` no policies could be loaded
 * @throws {DataDirectoryLockedError} another Sentinel holds the data directory
 */
export async function runOperator(
  { once, ...overrides }: Overrides & { readonly once?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const { config, settings } = await readConfiguration(env, overrides);
  const telemetry = createTelemetry(config.logLevel);
  if (config.shadowAll) telemetry.log.warn('Shadow mode: everything is recorded, nothing is done');
  const clock = createSystemClock();

  // What we hold: the data directory, and in it the journal, which is the truth.
  await using data = await openDataDirectory(config.data);

  // What we look at and act on: one container engine, through MCP tools.
  const connection = createDockerConnection({ ...config.docker, onRequest: telemetry.docker });
  const runtime = createDockerRuntime({ connection, clock });
  const operations = createDockerOperations({ connection });
  const host = config.host ?? (await engineName(runtime, data, telemetry));
  const tools = await toolServers(config, settings);
  let reloadPolicies = async (): Promise<unknown> => undefined;
  await using actions = createMcpActionRunner({
    clock,
    version: VERSION,
    docker: { actions: createBuiltinActions({ runtime, operations, clock }), version: VERSION },
    ...tools,
    onCall: telemetry.mcp,
    // What a server offers decides which arguments in a policy are doubtful.
    onChange: () => void reloadPolicies(),
  });
  await untilConnected(actions, clock);
  await using _pins = await followPins({ config, tools, actions, clock, telemetry });

  await using journal = await openJournal({
    storage: createFileJournalStorage(data.journalPath),
    clock,
    reducer: operatorReducer,
    started: { version: VERSION, host, mode: config.shadowAll ? 'Shadow' : 'Policy' },
    newJournalId: newJournalId(),
    yieldToLoop: nextTurn,
    options: journalOptions(config, settings),
    events: telemetry.journal,
  });
  journal.subscribe(telemetry.records(journal));
  await using _outbox = await publish({ config, settings, journal, clock, host, telemetry });

  // What people want: policies, and the models that they name. Then the loop, and what reaches us.
  await using policies = await openPolicies({ config, settings, data, actions, clock, telemetry });
  reloadPolicies = () => policies.reload();
  using models = openModels({ config, settings, policies, clock, telemetry });
  await using _notifications = notify({ config, settings, journal, policies, clock, telemetry });
  await using controller = new Controller({
    runtime,
    actions,
    policies,
    journal,
    evidence: await openEvidence({ data, settings, clock, telemetry }),
    models,
    composeFileOf: (policy) => readComposeFile(policy, telemetry),
    clock,
    host,
    mac: (text) => createHmac('sha256', data.hmacKey).update(text).digest('hex'),
    shadowAll: config.shadowAll,
    ...loopSettings(settings),
    protectedContainers: protection(config, settings),
    resolveSecrets: (args) => resolveSecrets(args, config.secret),
    workers: WORKERS,
    signals: { prober: createProber(), filesystem: createFilesystemProbe() },
    listener: telemetry.controller(host, WORKERS),
  });
  await using _server = await startHttpServer(
    await apiOptions({ config, data, controller, journal, policies, models, telemetry }),
  );

  telemetry.watch(() => readingsOf(controller));
  // Before anybody knows what people want, nothing is watched, decided or called over.
  const start = startOnPolicies({ policies, controller, telemetry, once });
  const reason = await untilToldToStop(controller, once);
  start.cancel();
  await controller.stop(reason);
  return 0;
}

/** @returns why it stops, for the journal */
function untilToldToStop(controller: Controller, once = false): Promise<string> {
  const stopped = untilSignal('SIGTERM', 'SIGINT');
  return once ? Promise.race([stopped, controller.untilIdle().then(() => 'once')]) : stopped;
}
