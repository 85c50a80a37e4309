import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TestStack } from '../support/engine.ts';
import { SentinelProcess } from '../support/sentinel-process.ts';
import {
  aQuickPolicy,
  aService,
  breakHealth,
  recordEvents,
  untilHealth,
} from '../support/workloads.ts';

describe('Shadow for all', () => {
  for (const value of ['false', 'no', 'ture']) {
    it(`watches, says so and does nothing, with AUTO_HEAL_ENABLED=${value}`, async () => {
      await using stack = await TestStack.open();
      const web = await aService(stack, 'web');
      await untilHealth(web, 'healthy');
      await using events = await recordEvents(stack);
      await using operator = await SentinelProcess.start({
        policies: [aQuickPolicy(stack)],
        env: { AUTO_HEAL_ENABLED: value },
      });

      await breakHealth(web);
      await operator.untilRecord('shadow.decided');
      await operator.stop();

      assert.equal((await operator.recordsOf('remediation.intended')).length, 0);
      assert.equal(events.count(web, 'restart'), 0);
      assert.equal(events.count(web, 'kill'), 0);
      assert.ok(operator.logs.some(({ msg }) => msg?.startsWith('Shadow mode')));
    });
  }
});
