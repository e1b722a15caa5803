import { system } from '#errors/errors.ts';
import { removeUpTo } from '#lib/remove-small.ts';
import type { Launcher } from '#linux/launcher-types.ts';

/** Trees up to this many entries are deleted from the main thread, a call at a time. */
const SMALL = 200;

/** Deletes a tree of any size without keeping the main thread busy. A tree that is not there is not an error. */
export async function removeTree(path: string, launcher: Pick<Launcher, 'run'>): Promise<void> {
  const gone = await removeUpTo(path, SMALL).catch(() => false);
  if (gone) return;
  const { code, stderr } = await launcher.run({ argv: ['rm', '-rf', '--', path] });
  if (code !== 0) throw system(`cannot delete ${path}: ${stderr.toString().trim()}`, { code: 'NOT_DELETED' });
}
