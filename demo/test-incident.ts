import type { AttemptObject, IncidentObject } from '#core/projection/schema.ts';

export const BROKEN_AT_MS = Date.UTC(2026, 10, 24, 12);

const at = (afterMs: number) => new Date(BROKEN_AT_MS + afterMs).toISOString();

/** A restart that worked; what a test is about is given. */
export function anAttempt(more: Partial<AttemptObject> = {}): AttemptObject {
  return {
    intent: 'tddpafahs5',
    candidate: 'restart',
    action: 'restart',
    tool: 'docker/restart_container',
    trigger: 'crash',
    affects: [{ workload: 'box/shop/web/1', container: 'c1', name: 'shop-web-1', state: 'exited' }],
    startedAt: at(1_100),
    outcome: 'Succeeded',
    endedAt: at(1_500),
    verification: { state: 'Passed', at: at(4_500), message: 'shop-web-1 has been well since' },
    ...more,
  };
}

/** A crash, a second after it was caused, that a restart mended; what a test is about is given. */
export function anIncident(status: Partial<IncidentObject['status']> = {}): IncidentObject {
  return {
    apiVersion: 'sre-sentinel.io/v1alpha1',
    kind: 'Incident',
    metadata: {
      name: 'inc-20261124-z2pcxm86sq',
      uid: 'uid',
      creationTimestamp: at(1_000),
      resourceVersion: '7',
    },
    spec: {
      workload: {
        key: 'box/shop/web/1',
        host: 'box',
        project: 'shop',
        service: 'web',
        container: 'shop-web-1',
        id: 'c1',
        image: 'web:1',
      },
      policy: { name: 'shop-web', generation: 1, digest: 'sha256:0', commit: '' },
      threshold: 'crash',
      severity: 'critical',
      fingerprint: 'f',
      evidence: [
        { id: 'e1', signal: 'exit', value: 139, at: at(1_000), note: 'threshold crash' },
        { id: 'e2', signal: 'container.state', value: 'exited', at: at(1_000) },
      ],
    },
    status: {
      phase: 'Resolved',
      summary: '',
      conditions: [],
      breached: ['crash'],
      reopens: 0,
      diagnosis: {
        source: 'rules',
        rootCause: 'Crashed',
        explanation: 'It exited with code 139.',
        confidence: 0.7,
        evidenceRefs: ['e1'],
        hypotheses: [],
        at: at(1_010),
      },
      candidates: [
        {
          id: 'restart',
          action: 'restart',
          tool: 'docker/restart_container',
          arguments: { timeoutSeconds: 1 },
          affects: ['box/shop/web/1'],
          verdict: 'Permitted',
          blockedBy: [],
        },
      ],
      attempts: [anAttempt()],
      escalations: [],
      resolvedAt: at(4_500),
      resolution: 'Remediated',
      timeline: [{ at: at(4_500), event: 'Resolved', message: 'restart worked' }],
      ...status,
    },
  };
}
