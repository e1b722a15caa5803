/** The disk fails, or is full, from each write step on: the verb says so, the engine goes on, and nothing is half done. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WRITE_STEPS, type WriteStep } from '#lib/write-steps.ts';
import { run, type TestDaemon } from '#test/support/daemon.ts';
import { stoppedAt, visitSteps } from '#test/support/faults.ts';
import { startRegistry, type TestRegistry } from '#test/support/registry.ts';
import { checkStore } from '#test/support/store-check.ts';
import { assertSound, makeInputs, type Scenario, scenarioNames, scenarios } from './scenarios.ts';
import { openStage, type Stage } from './stage.ts';

/** ms; far more than any verb takes. */
const PATIENCE = 60_000;

let folder: string;
let stage: Stage;
let registry: TestRegistry;
let all: Map<string, Scenario>;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherry-disk-errors-'));
  stage = await openStage();
  registry = await startRegistry({ netns: stage.daemon.netns.path });
  all = scenarios(stage.daemon, await makeInputs(folder, registry));
});
after(async () => {
  await registry.close();
  await stage.close();
  await rm(folder, { recursive: true });
});

/** Which steps a scenario takes; each is tried with the first scenario that takes it. */
const tried = new Map<WriteStep, string>();

/** Whatever it had set going is over. */
async function prepare(scenario: Scenario): Promise<void> {
  await scenario.prepare?.();
  if (scenario.name !== 'repair') await checkStore(stage.daemon);
}

async function newStepsOf(scenario: Scenario): Promise<WriteStep[]> {
  const { daemon } = stage;
  await stage.startFrom(new Map(), scenario.driver);
  await prepare(scenario);
  const found: WriteStep[] = [];
  await visitSteps(
    daemon,
    scenario.verb,
    async (step) => {
      if (tried.has(step)) return;
      tried.set(step, scenario.name);
      found.push(step);
    },
    () => checkStore(daemon),
  );
  await scenario.check(true);
  return found;
}

/** Goes through the scenario with the disk as `fail` makes it once `step` is done; true when the verb says it worked. */
async function failingFrom(scenario: Scenario, step: WriteStep, fail: () => Promise<void>, words: RegExp) {
  await prepare(scenario);
  const verb = () =>
    Promise.race([
      scenario.verb(),
      sleep(PATIENCE, undefined, { ref: false }).then(() => assert.fail('the verb does not end')),
    ]);
  const result = await stoppedAt(stage.daemon, step, verb, fail);
  if (!result || result.code === 0) return result !== undefined;
  assert.match(result.stderr, words);
  return false;
}

/** Whatever has become of its disk. */
async function assertAnswers(daemon: TestDaemon): Promise<void> {
  for (const args of [['ps', '-a'], ['images'], ['volume', 'ls'], ['info']]) await daemon.ok(args);
}

const fillers = () => join(stage.daemon.dataRoot, 'lost+found');

/** Full means full: not a byte is left. */
async function fillUp(): Promise<void> {
  for (let part = 1, number = 0; ; number++) {
    const { bfree, bsize } = await statfs(stage.daemon.dataRoot);
    const blocks = Math.floor(bfree / part);
    if (blocks === 0) return;
    const file = join(fillers(), `${number}`);
    const { code } = await run('fallocate', ['-l', `${blocks * bsize}`, file], '', process.env);
    if (code !== 0) part *= 2;
  }
}

async function makeRoom(): Promise<void> {
  for (const name of await readdir(fillers())) await rm(join(fillers(), name));
}

describe('when the disk is full from each new step on of', () => {
  for (const name of scenarioNames) {
    test(name, async (t) => {
      const scenario = all.get(name)!;
      for (const step of await newStepsOf(scenario)) {
        await t.test(step, async () => {
          const done = await failingFrom(scenario, step, fillUp, /disk is full|no space left|ENOSPC/i);
          await assertAnswers(stage.daemon);
          await makeRoom();
          await scenario.check(done);
          await checkStore(stage.daemon);
          await assertSound(stage.daemon);
        });
      }
    });
  }
});

describe('when every write fails from each new step on of', () => {
  for (const name of scenarioNames) {
    test(name, async (t) => {
      const scenario = all.get(name)!;
      const { daemon, disk } = stage;
      const steps = [...tried].filter(([, first]) => first === name).map(([step]) => step);
      if (steps.length > 0) await stage.startFrom(new Map(), scenario.driver);
      for (const step of steps) {
        await t.test(step, async () => {
          const fail = async () => disk.failWrites(true);
          const done = await failingFrom(scenario, step, fail, /input\/output|I\/O error|EIO|read-only|EROFS/i);
          if (!scenario.endsEngine) await assertAnswers(daemon);
          await stage.startFrom(disk.cut('all'), scenario.driver);
          if (name !== 'repair') await assertSound(daemon);
          await scenario.check(done);
          await checkStore(daemon);
        });
      }
    });
  }
});

test('every write step was tried', () => {
  assert.deepEqual([...tried.keys()].sort(), [...WRITE_STEPS].sort());
});
