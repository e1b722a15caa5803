import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoCode } from '#errors/errors.ts';
import { Semaphore } from '#lib/locks.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import { removeTree } from './remove-tree.ts';

/** Trees that are deleted at a time. */
const REMOVALS = 2;

/**
 * `<root>/_tmp`: what is being made and gets its name when it is whole, and what is being deleted and has lost its name.
 * On the same file system and mount as what it is for; what an earlier engine left in it is nobody's.
 */
export class Temporary {
  readonly #folder: string;
  readonly #launcher: Pick<Launcher, 'run'>;
  readonly #removals = new Semaphore(REMOVALS);
  readonly #deletions = new Set<Promise<void>>();

  constructor(root: string, launcher: Pick<Launcher, 'run'>) {
    this.#launcher = launcher;
    this.#folder = join(root, '_tmp');
  }

  /** Makes the folder; with `sweep` what is found in it is deleted in the background. */
  async open({ sweep }: { sweep: boolean }): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    if (!sweep) return;
    for (const name of await readdir(this.#folder)) void this.discard(join(this.#folder, name));
  }

  /** A path that does not exist yet, with `name` in it for people. */
  path(name: string): string {
    return join(this.#folder, `${name}-${randomUUID()}`);
  }

  /** Takes away the name of the tree `path`, at once, and deletes it later; false when there is no such tree. */
  async bury(path: string, name: string): Promise<boolean> {
    const grave = this.path(name);
    try {
      await rename(path, grave);
    } catch (error) {
      if (errnoCode(error) === 'ENOENT') return false;
      throw error;
    }
    void this.discard(grave);
    return true;
  }

  /** Deletes a tree in here; resolves when that is over. What cannot be deleted now is tried again at the next start. */
  discard(path: string): Promise<void> {
    const deletion = this.#removals.run(() => removeTree(path, this.#launcher)).catch(() => undefined);
    this.#deletions.add(deletion);
    void deletion.then(() => this.#deletions.delete(deletion));
    return deletion;
  }

  /** Resolves when all that was to be deleted is. */
  async settled(): Promise<void> {
    await Promise.all(this.#deletions);
  }
}
