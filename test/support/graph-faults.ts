/** Processes that kill themselves in the middle of a change to a graph. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DriverName } from '#graphdriver/driver.ts';
import { WRITE_STEPS } from '#lib/write-steps.ts';
import { defaultDriver } from './driver.ts';

/** Which driver takes a step that only one takes. */
const driverOf: Readonly<Record<string, DriverName>> = {
  'layer.index.write': 'erofs',
  'layer.index.rename': 'erofs',
  'layer.extract.write': 'overlay2',
  'layer.extract.rename': 'overlay2',
  'layer.remove.grave': 'overlay2',
  'layer.note.write': 'vfs',
  'layer.note.rename': 'vfs',
};
const steps = WRITE_STEPS.filter((step) => (driverOf[step] ?? defaultDriver) === defaultDriver);

/** The steps of the table that a removal of an image takes, and those of a load. */
export const removeSteps = steps.filter((step) => /^(image|layer)\.remove\./.test(step));
export const loadSteps = steps.filter((step) => /^(blob\.|layer\.(?!remove)|image\.commit)/.test(step));

/** Loads an archive (`load`, its path) or removes an image (`remove`, its name), killed at `step[:passage]`; true when it was. */
export async function killedAt(step: string, root: string, verb: 'load' | 'remove', what: string): Promise<boolean> {
  const orders = join(root, 'fault');
  await writeFile(orders, step.includes(':') ? step : `${step}:1`);
  const child = spawn(process.execPath, [join(import.meta.dirname, 'graph-process.ts'), root, verb, what], {
    env: { ...process.env, WHERRY_FAULT_FILE: orders },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code, signal] = await once(child, 'exit');
  assert.ok(signal === 'SIGKILL' || code === 0, `the process ended with ${code ?? signal}`);
  return signal === 'SIGKILL';
}
