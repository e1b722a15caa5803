/** The power is cut at each write step: what was not synced is lost, and what is left is whole. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WRITE_STEPS, type WriteStep } from '#lib/write-steps.ts';
import { run } from '#test/support/daemon.ts';
import { stoppedAt, visitSteps } from '#test/support/faults.ts';
import { isSamePatch, type Patch } from '#test/support/faulty-disk.ts';
import { processesNaming } from '#test/support/processes.ts';
import { randomNumbers } from '#test/support/random.ts';
import { startRegistry, type TestRegistry } from '#test/support/registry.ts';
import { checkStore } from '#test/support/store-check.ts';
import { assertSound, makeInputs, type Scenario, scenarioNames, scenarios } from './scenarios.ts';
import { openStage, type Stage } from './stage.ts';

const seed = Number(process.env.WHERRY_TEST_SEED ?? Date.now() % 1_000_000);
const random = randomNumbers(seed);

let folder: string;
let stage: Stage;
let registry: TestRegistry;
let all: Map<string, Scenario>;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherry-cuts-'));
  stage = await openStage(random);
  registry = await startRegistry({ netns: stage.daemon.netns.path });
  all = scenarios(stage.daemon, await makeInputs(folder, registry));
});
after(async () => {
  await registry.close();
  await stage.close();
  await rm(folder, { recursive: true });
});

interface Cut {
  /** After a step that no earlier scenario took, or the reply. */
  fresh: boolean;
  /** The steps after which the disk was like this. */
  at: string[];
  done: boolean;
  disk: Patch;
}

/** Of the disks that a cut leaves by chance so many are tried, other ones in each run. */
const BY_CHANCE = 2;

const cutSteps = new Set<WriteStep>();

/** Whatever it had set going is over, and on the disk. */
async function prepare(scenario: Scenario): Promise<void> {
  await scenario.prepare?.();
  if (scenario.name !== 'repair') await checkStore(stage.daemon);
  await run('sync', ['-f', stage.daemon.dataRoot], '', process.env);
}

/**
 * Goes through the scenario once, and gives the disks that cuts would have left on the way, after the steps that earlier
 * scenarios did not take and after the reply.
 */
async function cutsOf(scenario: Scenario): Promise<Cut[]> {
  const { daemon, disk } = stage;
  const cuts = { all: [] as Cut[], some: [] as Cut[] };
  const earlierSteps = new Set(cutSteps);
  let done = false;
  const cut = (loss: 'all' | 'some', at: WriteStep | 'the reply') => {
    const patch = disk.cut(loss);
    const fresh = at === 'the reply' || !earlierSteps.has(at);
    const known = [...cuts.all, ...cuts.some].find((earlier) => isSamePatch(earlier.disk, patch));
    if (!known) return void cuts[loss].push({ fresh, at: [at], done, disk: patch });
    known.fresh ||= fresh;
    known.at.push(at);
    known.done ||= done;
  };
  const verb = async () => {
    const reply = await scenario.verb();
    done = true;
    cut('all', 'the reply');
    return reply;
  };
  const visit = async (step: WriteStep) => {
    cutSteps.add(step);
    done ||= step === scenario.durable;
    cut('all', step);
    cut('some', step);
  };
  const result = await visitSteps(daemon, verb, visit, () => checkStore(daemon));
  if (result && result.code !== 0) throw new Error(`it failed: ${result.stderr}`);
  const chosen = cuts.some.toSorted(() => random() - 0.5).slice(0, BY_CHANCE);
  return [...cuts.all, ...chosen].filter(({ fresh }) => fresh);
}

/** What the next start makes of it. */
async function assertSurvives(scenario: Scenario, { at, done, disk }: Cut): Promise<void> {
  const { daemon } = stage;
  try {
    await stage.startFrom(disk, scenario.driver);
    if (scenario.name !== 'repair') await assertSound(daemon);
    await scenario.check(done);
    await checkStore(daemon);
  } catch (error) {
    throw new Error(`cut at ${at.join(', ')}${done ? ' (done)' : ''}, seed ${seed}`, { cause: error });
  }
}

describe('the power is cut at each step of', () => {
  for (const name of scenarioNames) {
    test(name, async (t) => {
      const scenario = all.get(name)!;
      await stage.startFrom(new Map(), scenario.driver);
      await prepare(scenario);
      const cuts = await cutsOf(scenario);
      for (const cut of cuts) await assertSurvives(scenario, cut);
      t.diagnostic(`${cuts.length} different disks`);
    });
  }
});

test('what a volume was filled with outlives a cut, though others still have the root mounted', async () => {
  const scenario = all.get('create')!;
  await stage.startFrom(new Map());
  await prepare(scenario);
  let holder: ChildProcess | undefined;
  let disk: Patch;
  try {
    // Unmounting an overlay flushes its file system only when no other mount namespace has it.
    await stoppedAt(stage.daemon, 'volume.fill', scenario.verb, async () => {
      holder = spawn('unshare', ['--mount', 'sleep', '1000']);
      while ((await readlink(`/proc/${holder.pid}/ns/mnt`)) === (await readlink('/proc/self/ns/mnt'))) await sleep(5);
    });
    disk = stage.disk.cut('all');
  } finally {
    holder?.kill('SIGKILL');
  }
  await assertSurvives(scenario, { fresh: true, at: ['the reply'], done: true, disk });
});

test('an exit of which only the monitor knows outlives a cut', async () => {
  const { daemon, disk } = stage;
  await stage.startFrom(new Map());
  const id = await daemon.ok(['run', '-d', '--name', 'box', 'busybox', 'sh', '-c', 'sleep 1; exit 7']);
  process.kill(daemon.launcherPid(), 'SIGKILL');
  while ((await processesNaming('wherry-monitor', id)).length > 0) await sleep(20);
  await stage.startFrom(disk.cut('all'));
  assert.equal(await daemon.ok(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'box']), 'exited 7');
  await daemon.ok(['rm', 'box']);
});

test('every write step was cut', () => {
  assert.deepEqual([...cutSteps].sort(), [...WRITE_STEPS].sort());
});
