/** A little of `make fuzz`, always the same, and every input that was kept. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { replayCorpus, runCampaign } from './campaign.ts';
import { targets } from './targets.ts';

const folder = join(tmpdir(), 'wherry-fuzz-failures');

for (const target of targets) {
  test(`${target.name} takes what is kept and ${target.quick} arbitrary inputs`, async () => {
    await replayCorpus(target);
    const { failure } = await runCampaign(target, { seed: 1, until: { cases: target.quick }, folder });
    if (failure) throw new Error(failure);
  });
}
