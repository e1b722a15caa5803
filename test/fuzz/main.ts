/** `make fuzz`: every target in turn, each for its share of the minutes; or one target, or one case again. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runCampaign } from './campaign.ts';
import { targets } from './targets.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    target: { type: 'string' },
    seed: { type: 'string' },
    path: { type: 'string' },
  },
});
const minutes = Number(values.minutes);
const chosen = targets.filter(({ name }) => !values.target || name === values.target);
if (!(minutes > 0) || chosen.length === 0) {
  const names = targets.map(({ name }) => name).join(', ');
  console.error(`fuzz: MINUTES must be a number above 0, TARGET one of ${names}`);
  process.exit(2);
}
const seed = values.seed ? Number(values.seed) : Date.now() & 0x7fffffff;
const folder = join(import.meta.dirname, '../../.cache/fuzz');

for (const target of chosen) {
  const begun = Date.now();
  const time = begun + (minutes * 60_000) / chosen.length;
  const { cases, failure } = await runCampaign(target, {
    seed,
    until: { time },
    path: values.path || undefined,
    folder,
  });
  const seconds = Math.round((Date.now() - begun) / 1000);
  console.log(`${target.name}: ${cases} cases in ${seconds} s from seed ${seed}: ${failure ? 'FAILED' : 'all well'}`);
  if (!failure) continue;
  console.error(failure);
  process.exitCode = 1;
}
