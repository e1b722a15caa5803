/** Kills the engine of a test daemon at a write step, or at once, and waits for the next one. */
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WriteStep } from '#lib/write-steps.ts';
import { faultFile, type Output, type TestDaemon } from './daemon.ts';

/**
 * Has the engine killed at the `passage`-th time that it has done `step` while or after `verb` runs, whose failure is
 * none, and waits for the next engine. Throws when the step is not reached.
 */
export async function killedAt(
  daemon: TestDaemon,
  step: WriteStep,
  verb: () => Promise<unknown>,
  passage = 1,
): Promise<void> {
  const orders = faultFile(daemon.folder);
  const engine = await daemon.enginePid();
  await writeFile(orders, `${step}:${passage}`);
  await verb();
  for (let waited = 0; existsSync(orders); waited += 10) {
    if (waited > 60_000) throw new Error(`${step} was not reached\n${daemon.log()}`);
    await sleep(10);
  }
  await nextEngine(daemon, engine);
}

/** kill -9 of the engine; resolves when the next one answers. */
export async function killEngine(daemon: TestDaemon): Promise<void> {
  const engine = await daemon.enginePid();
  process.kill(engine, 'SIGKILL');
  await nextEngine(daemon, engine);
}

async function nextEngine(daemon: TestDaemon, last: number): Promise<void> {
  for (let pid = last; Number.isNaN(pid) || pid === last; pid = await daemon.enginePid()) await sleep(5);
  await daemon.ready();
}

/** Has the store repaired; resolves with what the command printed when an engine that started again answers. */
export async function repairStore(daemon: TestDaemon): Promise<Output> {
  const engine = await daemon.enginePid();
  const output = await daemon.wherry(['system', 'check', '--repair']);
  if (output.stdout.includes('The engine starts again')) await nextEngine(daemon, engine);
  return output;
}

/**
 * Runs `verb`, and stops the engine at each write step that it or what it sets going takes, for as long as `visit` looks
 * at what is on the disk. Resolves when all of it is over: `verb` and, as `settled` says, its background work.
 */
export async function visitSteps<Result>(
  daemon: Pick<TestDaemon, 'folder' | 'enginePid'>,
  verb: () => Promise<Result>,
  visit: (step: WriteStep, replied: boolean) => Promise<void>,
  settled: () => Promise<unknown>,
): Promise<Result> {
  const orders = faultFile(daemon.folder);
  let [replied, over] = [false, false];
  await order(orders, '*:1:SIGSTOP');
  const result = verb();
  const end = result
    .finally(() => (replied = true))
    .then(settled)
    .finally(() => (over = true));
  end.catch(() => {});
  while (!over) {
    const step = await reachedStep(orders);
    if (!step) {
      await sleep(1);
      continue;
    }
    const engine = await daemon.enginePid();
    await untilStopped(engine);
    await visit(step, replied);
    await resume(engine, orders);
  }
  await rm(orders, { force: true });
  await end;
  return result;
}

/** Runs `verb`, and has the engine stopped after the first `step` for as long as `meanwhile` takes. Gives the verb's result. */
export async function stoppedAt<Result>(
  daemon: TestDaemon,
  step: WriteStep,
  verb: () => Promise<Result>,
  meanwhile: () => Promise<void>,
): Promise<Result> {
  const orders = faultFile(daemon.folder);
  await order(orders, `${step}:1:SIGSTOP`);
  const result = verb();
  result.catch(() => {});
  for (let waited = 0; !(await reachedStep(orders)); waited += 2) {
    if (waited > 60_000) throw new Error(`${step} was not reached\n${daemon.log()}`);
    await sleep(2);
  }
  const engine = await daemon.enginePid();
  await untilStopped(engine);
  await rm(orders);
  try {
    await meanwhile();
  } finally {
    await resume(engine, orders);
  }
  return result;
}

/** Undefined while there is none. */
async function reachedStep(orders: string): Promise<WriteStep | undefined> {
  return readFile(`${orders}.reached`, 'utf8').catch(() => undefined) as Promise<WriteStep | undefined>;
}

async function resume(engine: number, orders: string): Promise<void> {
  await rm(`${orders}.reached`);
  process.kill(engine, 'SIGCONT');
}

/** The engine, which reads it at any moment, finds the whole of it. */
async function order(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

/** Every thread of it. */
async function untilStopped(pid: number): Promise<void> {
  for (;;) {
    const threads = await readdir(`/proc/${pid}/task`);
    const stats = await Promise.all(
      threads.map((id) => readFile(`/proc/${pid}/task/${id}/stat`, 'utf8').catch(() => '')),
    );
    if (stats.every((stat) => stat === '' || stat.slice(stat.lastIndexOf(')') + 2).startsWith('T'))) return;
    await sleep(1);
  }
}
