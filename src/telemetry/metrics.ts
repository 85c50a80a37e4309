import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { RECORD_TYPES } from '#core/journal/record.ts';
import { CONTROLLER_NAME, RECONCILE_RESULTS, RELOAD_RESULTS } from './label-values.ts';

/** controller-runtime's buckets, so that its boards and alerts fit. */
const RECONCILE_BUCKETS =
  '.005 .01 .025 .05 .1 .15 .2 .25 .3 .35 .4 .45 .5 .6 .7 .8 .9 1 1.25 1.5 1.75 2 2.5 3 3.5 4 4.5 5 6 7 8 9 10 15 20 25 30 40 50 60'
    .split(' ')
    .map(Number);
/** client-go's: 10 ns to 1000 s by powers of ten. */
const WORKQUEUE_BUCKETS = Array.from({ length: 12 }, (_, index) => 1e-8 * 10 ** index);
const SECONDS_BUCKETS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900,
];
const FAST_BUCKETS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

/**
 * Every metric, in one registry; docs/reference/metrics.md is made from it. Series whose label values
 * are known are made at the start: `rate()` cannot see a step from absent to 1. No label ever carries
 * a container id, a container name or an error text.
 */
// oxlint-disable-next-line max-lines-per-function -- a list of metrics, one after the other
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  const collectors: (() => void)[] = [];
  // Registered first, so that collectors have run when the others are read.
  const buildInfo = new Gauge({
    name: 'sentinel_build_info',
    help: 'The running version',
    labelNames: ['version', 'node'],
    registers,
    collect: () => {
      for (const collect of collectors) collect();
    },
  });
  const counter = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[] = [],
  ) => new Counter({ name, help, labelNames, registers });
  const gauge = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[] = [],
  ) => new Gauge({ name, help, labelNames, registers });
  const histogram = <Label extends string>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: readonly Label[] = [],
  ) => new Histogram({ name, help, buckets, labelNames, registers });

  const metrics = {
    reconcileTotal: counter(
      'controller_runtime_reconcile_total',
      'Total number of reconciliations per controller',
      ['controller', 'result'],
    ),
    reconcileErrors: counter(
      'controller_runtime_reconcile_errors_total',
      'Total number of reconciliation errors per controller',
      ['controller'],
    ),
    terminalErrors: counter(
      'controller_runtime_terminal_reconcile_errors_total',
      'Total number of terminal reconciliation errors per controller',
      ['controller'],
    ),
    reconcilePanics: counter(
      'controller_runtime_reconcile_panics_total',
      'Total number of reconciliation panics per controller',
      ['controller'],
    ),
    reconcileTimeouts: counter(
      'controller_runtime_reconcile_timeouts_total',
      'Total number of reconciliation timeouts per controller',
      ['controller'],
    ),
    reconcileTime: histogram(
      'controller_runtime_reconcile_time_seconds',
      'Length of time per reconciliation per controller',
      RECONCILE_BUCKETS,
      ['controller'],
    ),
    activeWorkers: gauge(
      'controller_runtime_active_workers',
      'Number of currently used workers per controller',
      ['controller'],
    ),
    maxConcurrent: gauge(
      'controller_runtime_max_concurrent_reconciles',
      'Maximum number of concurrent reconciles per controller',
      ['controller'],
    ),
    queueDepth: gauge('workqueue_depth', 'Current depth of workqueue by workqueue', [
      'name',
      'controller',
    ]),
    queueAdds: counter('workqueue_adds_total', 'Total number of adds handled by workqueue', [
      'name',
      'controller',
    ]),
    queueRetries: counter(
      'workqueue_retries_total',
      'Total number of retries handled by workqueue',
      ['name', 'controller'],
    ),
    queueDuration: histogram(
      'workqueue_queue_duration_seconds',
      'How long in seconds an item stays in workqueue before being requested',
      WORKQUEUE_BUCKETS,
      ['name', 'controller'],
    ),
    workDuration: histogram(
      'workqueue_work_duration_seconds',
      'How long in seconds processing an item from workqueue takes.',
      WORKQUEUE_BUCKETS,
      ['name', 'controller'],
    ),
    unfinishedWork: gauge(
      'workqueue_unfinished_work_seconds',
      'How many seconds of work has been done that is in progress and has not been observed by work_duration',
      ['name', 'controller'],
    ),
    longestRunning: gauge(
      'workqueue_longest_running_processor_seconds',
      'How many seconds has the longest running processor for workqueue been running',
      ['name', 'controller'],
    ),

    incidentsOpen: gauge('sentinel_incidents_open', 'Open incidents', ['policy', 'severity']),
    incidentsBlocked: gauge(
      'sentinel_incidents_blocked',
      'Open incidents of which every action is refused now, by each of the reasons',
      ['policy', 'reason'],
    ),
    incidentsTotal: counter(
      'sentinel_incidents_total',
      'Incidents opened or reopened, by the threshold that opened them',
      ['policy', 'threshold', 'severity'],
    ),
    timeToDetect: histogram(
      'sentinel_time_to_detect_seconds',
      'From the change that Docker reports to the incident',
      SECONDS_BUCKETS,
    ),
    timeToRemediate: histogram(
      'sentinel_time_to_remediate_seconds',
      'From the opening of an incident to the end of an action',
      SECONDS_BUCKETS,
    ),
    timeToResolve: histogram(
      'sentinel_time_to_resolve_seconds',
      'From the opening of an incident to its resolution',
      SECONDS_BUCKETS,
    ),
    remediations: counter('sentinel_remediations_total', 'Actions that ended, by outcome', [
      'policy',
      'action',
      'outcome',
    ]),
    blocked: counter(
      'sentinel_remediations_blocked_total',
      'Refused candidates, by the first reason, counted whenever the verdicts on an incident change',
      ['policy', 'reason'],
    ),
    escalations: counter('sentinel_escalations_total', 'Times that a person was asked, by reason', [
      'policy',
      'reason',
    ]),
    shadowDecisions: counter(
      'sentinel_shadow_decisions_total',
      'Decisions in Shadow mode that were followed up',
      ['policy', 'action', 'self_recovered'],
    ),
    approvalsPending: gauge('sentinel_approvals_pending', 'Actions that wait for a person'),
    policyInfo: gauge('sentinel_policy_info', 'Policies in force', ['policy', 'digest', 'commit']),
    policyReconciled: gauge(
      'sentinel_policy_last_reconcile_timestamp_seconds',
      'When a workload of the policy was last reconciled',
      ['policy'],
    ),
    policyConflicts: gauge(
      'sentinel_policy_conflicts',
      'Workloads that no policy governs, since several of the same priority select them',
    ),
    policyReloads: counter('sentinel_policy_reloads_total', 'Loads of the policy folder', [
      'result',
    ]),
    mcpCalls: counter('sentinel_mcp_calls_total', 'Calls of MCP tools', [
      'server',
      'tool',
      'outcome',
    ]),
    mcpDuration: histogram(
      'sentinel_mcp_call_duration_seconds',
      'Length of MCP tool calls',
      SECONDS_BUCKETS,
      ['server'],
    ),
    llmRequests: counter(
      'sentinel_llm_requests_total',
      'Requests sent to language models, by how they ended',
      ['route', 'stage', 'outcome'],
    ),
    llmTokens: counter(
      'sentinel_llm_tokens_total',
      'Tokens that went to language models and came from them; estimated where none were told',
      ['route', 'direction'],
    ),
    llmCost: counter(
      'sentinel_llm_cost_usd_total',
      'What language models cost, where a price is told or configured',
      ['route'],
    ),
    llmDuration: histogram(
      'sentinel_llm_request_duration_seconds',
      'Length of requests to language models',
      SECONDS_BUCKETS,
      ['route', 'stage'],
    ),
    dockerUp: gauge('sentinel_docker_up', 'Whether the Docker Engine answers', ['host']),
    dockerEvents: counter('sentinel_docker_events_total', 'Container events received', ['action']),
    dockerRequests: counter('sentinel_docker_requests_total', 'Requests to the Docker Engine', [
      'code',
      'method',
    ]),
    redisUp: gauge(
      'sentinel_redis_up',
      'Whether Redis took the last batch; 0 also where none is configured',
    ),
    outboxLag: gauge('sentinel_outbox_lag_records', 'Journal records not yet published'),
    journalUp: gauge(
      'sentinel_journal_up',
      'Whether records reach the disk; nothing is done while they do not',
    ),
    journalRecords: counter('sentinel_journal_records_total', 'Journal records appended', ['type']),
    journalWrite: histogram(
      'sentinel_journal_write_seconds',
      'Length of journal writes',
      FAST_BUCKETS,
    ),
    logLines: counter('sentinel_log_lines_total', 'Container log lines read', ['policy']),
    logLinesDropped: counter(
      'sentinel_log_lines_dropped_total',
      'Container log lines not looked at',
      ['policy', 'reason'],
    ),
    workloads: gauge('sentinel_workloads', 'Governed workloads by state', ['policy', 'state']),
  };

  for (const result of RECONCILE_RESULTS) {
    metrics.reconcileTotal.inc({ controller: CONTROLLER_NAME, result }, 0);
  }
  for (const one of [
    metrics.reconcileErrors,
    metrics.terminalErrors,
    metrics.reconcilePanics,
    metrics.reconcileTimeouts,
  ]) {
    one.inc({ controller: CONTROLLER_NAME }, 0);
  }
  for (const type of RECORD_TYPES) metrics.journalRecords.inc({ type }, 0);
  for (const result of RELOAD_RESULTS) metrics.policyReloads.inc({ result }, 0);
  return {
    registry,
    buildInfo,
    ...metrics,
    /** Runs before each scrape: for what is read off rather than counted. */
    onScrape: (collect: () => void) => {
      collectors.push(collect);
    },
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
