/** Kills the engine of a test daemon at a write step, or at once, and waits for the next one. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
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
    if (waited > 10_000) throw new Error(`${step} was not reached\n${daemon.log()}`);
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
