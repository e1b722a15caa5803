import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseKernelVersion, readHostFacts } from './host-facts.ts';

const folder = await mkdtemp(join(tmpdir(), 'wherry-facts-'));
after(() => rm(folder, { recursive: true }));

test('the facts are those of this machine', async () => {
  const facts = await readHostFacts();
  assert.equal(facts.arch, process.arch);
  assert.ok(facts.kernel[0] >= 5);
  assert.ok(facts.cpuCount >= 1);
  assert.ok(facts.capabilities.includes('CAP_CHOWN'));
  assert.equal(facts.seccompProfile, undefined);
});

test('the default seccomp profile may be a file', async () => {
  const path = join(folder, 'profile.json');
  await writeFile(path, '{"defaultAction": "SCMP_ACT_LOG"}');
  assert.equal((await readHostFacts(path)).seccompProfile, '{"defaultAction": "SCMP_ACT_LOG"}');
  assert.equal((await readHostFacts('unconfined')).seccompProfile, 'unconfined');
});

test('a profile that cannot be used is refused by name', async () => {
  const path = join(folder, 'broken.json');
  await writeFile(path, '{');
  await assert.rejects(readHostFacts(path), { kind: 'invalid', message: /broken\.json/ });
  await assert.rejects(readHostFacts(join(folder, 'missing')), { kind: 'invalid', message: /missing/ });
});

test('kernel versions are numbers', () => {
  assert.deepEqual(parseKernelVersion('6.12.3-amd64'), [6, 12]);
  assert.deepEqual(parseKernelVersion('nonsense'), [0, 0]);
});
