import { setTimeout as sleep } from 'node:timers/promises';
import { system } from '#errors/errors.ts';
import { removeUpTo } from '#lib/remove-small.ts';
import type { Launcher } from '#linux/launcher-types.ts';

/** Trees up to this many entries are deleted from the main thread, a call at a time. */
const SMALL = 200;
/** Who was ended while it wrote into the tree may do so for a moment. */
const TRIES = 5;
const PAUSE_MS = 20;

/** Deletes a tree of any size without keeping the main thread busy. A tree that is not there is not an error. */
export async function removeTree(path: string, launcher: Pick<Launcher, 'run'>): Promise<void> {
  const gone = await removeUpTo(path, SMALL).catch(() => false);
  if (gone) return;
  for (let tries = 1; ; tries++) {
    const { code, stderr } = await launcher.run({ argv: ['rm', '-rf', '--', path] });
    if (code === 0) return;
    if (tries === TRIES) throw system(`cannot delete ${path}: ${stderr.toString().trim()}`, { code: 'NOT_DELETED' });
    await sleep(tries * PAUSE_MS);
  }
}
