import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoCode, system } from '#errors/errors.ts';
import { writeFileDurably } from '#lib/durable-file.ts';
import { randomId } from '#lib/names.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import { readMountInfo } from '#linux/mountinfo.ts';
import { serializeVolume, type VolumeRecord } from './volume-record.ts';

/** Folders beside those of volumes, whose names cannot begin with a dot: what is being deleted, what no row names. */
const REMOVED = '.removed';
const QUARANTINE = '.quarantine';
const OPTIONS = 'opts.json';
/** Copies of what an image has, on their way into a volume. */
const COPYING = '.copying';

/**
 * The folders of volumes: `<root>/<name>/{opts.json,_data}`. They are made before a volume's row and removed after it.
 */
export class VolumeFolders {
  readonly #root: string;
  readonly #launcher: Pick<Launcher, 'run'>;

  constructor(root: string, launcher: Pick<Launcher, 'run'>) {
    this.#root = root;
    this.#launcher = launcher;
  }

  /** Where a volume's data is. */
  data(name: string): string {
    return join(this.#root, name, '_data');
  }

  /** Where data is put together before it becomes a volume's. */
  staging(name: string): string {
    return join(this.#root, COPYING, name);
  }

  /** Leaves nothing when it fails. Throws EEXIST where there is such a folder. */
  async make(record: VolumeRecord): Promise<void> {
    const folder = join(this.#root, record.name);
    await mkdir(folder, { mode: 0o701 });
    try {
      await mkdir(join(folder, '_data'), { mode: 0o755 });
      await this.writeOptions(record);
    } catch (error) {
      // Not as `remove` does: there may be no room to move it aside.
      await rm(folder, { recursive: true });
      throw error;
    }
  }

  /** The record beside a volume's data: a copy of its row. */
  optionsFile(name: string): string {
    return join(this.#root, name, OPTIONS);
  }

  async writeOptions(record: VolumeRecord): Promise<void> {
    await writeFileDurably(this.optionsFile(record.name), serializeVolume(record), 0o600);
  }

  /** Names of all folders that may be volumes. */
  async list(): Promise<string[]> {
    const entries = await readdir(this.#root, { withFileTypes: true });
    return entries.flatMap((entry) => (entry.isDirectory() && !entry.name.startsWith('.') ? [entry.name] : []));
  }

  /** Where folders lie that no row names. */
  async quarantined(): Promise<string[]> {
    const place = join(this.#root, QUARANTINE);
    return (await readdir(place).catch(noneIfMissing)).map((name) => join(place, name));
  }

  /** Puts the folder of a volume that nobody knows aside; gives its new place. */
  putAside(name: string): Promise<string | undefined> {
    return this.#moveAside(name, QUARANTINE);
  }

  /** Moves a folder aside at once, so that its name is free, and deletes it. Refuses while something is mounted in it. */
  async remove(name: string): Promise<void> {
    const folder = join(this.#root, name);
    const mounted = (await readMountInfo()).find(({ mountPoint }) => mountPoint.startsWith(`${folder}/`));
    if (mounted) {
      throw system(`remove ${name}: ${mounted.mountPoint} is still mounted`, {
        hint: `Unmount it: umount ${mounted.mountPoint}`,
      });
    }
    const aside = await this.#moveAside(name, REMOVED);
    if (aside !== undefined) await this.#delete(aside);
  }

  /**
   * Finishes the deletions that an engine had begun (`removed`) and clears folders that no row names: one that holds data
   * is put aside, never deleted. Gives the new places of these.
   */
  async sweep(known: ReadonlySet<string>, removed: ReadonlySet<string>): Promise<string[]> {
    await mkdir(this.#root, { recursive: true, mode: 0o701 });
    const quarantined: string[] = [];
    for (const entry of await readdir(this.#root, { withFileTypes: true })) {
      if (entry.name === QUARANTINE || known.has(entry.name)) continue;
      if (entry.name === REMOVED || entry.name === COPYING) await this.#delete(join(this.#root, entry.name));
      else if (removed.has(entry.name) || (await this.#isEmpty(entry.name)))
        await this.#delete(join(this.#root, entry.name));
      else quarantined.push((await this.#moveAside(entry.name, QUARANTINE))!);
    }
    return quarantined;
  }

  /** Its making did not get to its row, or nothing was ever written to it. */
  async #isEmpty(name: string): Promise<boolean> {
    const entries = await readdir(join(this.#root, name), { withFileTypes: true });
    for (const entry of entries) {
      if (entry.name === '_data' && entry.isDirectory() && (await readdir(this.data(name))).length === 0) continue;
      if (entry.name !== OPTIONS) return false;
    }
    return true;
  }

  async #moveAside(name: string, to: string): Promise<string | undefined> {
    const place = join(this.#root, to);
    await mkdir(place, { recursive: true, mode: 0o700 });
    const aside = join(place, `${name.slice(0, 180)}-${randomId().slice(0, 12)}`);
    try {
      await rename(join(this.#root, name), aside);
      return aside;
    } catch (error) {
      if (errnoCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async #delete(path: string): Promise<void> {
    const { code, stderr } = await this.#launcher.run({ argv: ['rm', '-rf', '--one-file-system', '--', path] });
    if (code !== 0) throw system(`cannot delete ${path}: ${stderr.toString().trim()}`);
  }
}

function noneIfMissing(error: unknown): string[] {
  if (errnoCode(error) === 'ENOENT') return [];
  throw error;
}
