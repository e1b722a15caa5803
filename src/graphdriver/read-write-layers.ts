import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { conflict, errnoCode, invalid, notFound } from '#errors/errors.ts';
import { settleAll } from '#lib/settle-all.ts';
import { fault } from '#lib/write-steps.ts';
import { removeTree } from './remove-tree.ts';

/** The deepest chain of layers a container may stand on; the same limit as Docker's. */
export const MAX_DEPTH = 127;

/** Where one container's writable layer lies. */
export interface ReadWritePaths {
  folder: string;
  upper: string;
  work: string;
  merged: string;
}

const CHAIN_FILE = 'layers.json';

/**
 * The writable layers of containers on disk, `<root>/<id>/{upper,work,merged,layers.json}`. Each appears whole (made
 * under a temporary name, synced, renamed) and goes whole (renamed away, then deleted in the background).
 */
export class ReadWriteLayers {
  readonly #root: string;
  readonly #temporary: string;
  readonly #deletions = new Set<Promise<void>>();

  /** `temporary` is on the same filesystem and mount; what is found in it may be deleted at start. */
  constructor(root: string, temporary: string) {
    this.#root = root;
    this.#temporary = temporary;
  }

  async open({ sweep = true } = {}): Promise<void> {
    await mkdir(this.#root, { recursive: true, mode: 0o710 });
    await mkdir(this.#temporary, { recursive: true, mode: 0o700 });
    if (!sweep) return;
    for (const name of await readdir(this.#temporary)) this.#delete(join(this.#temporary, name));
  }

  pathsOf(id: string): ReadWritePaths {
    const folder = join(this.#root, checkId(id));
    return { folder, upper: join(folder, 'upper'), work: join(folder, 'work'), merged: join(folder, 'merged') };
  }

  /** Durable when it resolves. The same id with the same chain again is fine, with another one a `conflict`. */
  async create(id: string, chain: readonly string[]): Promise<void> {
    if (chain.length > MAX_DEPTH) {
      throw invalid(`max depth exceeded: the image has ${chain.length} layers; the limit is ${MAX_DEPTH}`);
    }
    const { folder } = this.pathsOf(id);
    const draft = join(this.#temporary, `${id}-${randomUUID()}`);
    try {
      await makeDraft(draft, chain);
      fault('container.create.draft');
      await rename(draft, folder);
    } catch (error) {
      this.#delete(draft);
      if (errnoCode(error) !== 'ENOTEMPTY' && errnoCode(error) !== 'EEXIST') throw error;
      const existing = await this.chainOf(id);
      if (existing.join() === chain.join()) return;
      throw conflict(`the writable layer ${id} exists already and stands on other layers`, { cause: error });
    }
    await syncDirectory(this.#root);
  }

  /** The diffIDs below `id`, bottom first. Throws `not-found`. */
  async chainOf(id: string): Promise<string[]> {
    const { folder } = this.pathsOf(id);
    try {
      return JSON.parse(await readFile(join(folder, CHAIN_FILE), 'utf8')) as string[];
    } catch (cause) {
      if (errnoCode(cause) !== 'ENOENT') throw cause;
      throw notFound(`no writable layer ${id}`, { code: 'READ_WRITE_LAYER_MISSING', cause });
    }
  }

  async list(): Promise<string[]> {
    return readdir(this.#root);
  }

  /** Gone when it resolves, except for the space, which is freed in the background. */
  async remove(id: string): Promise<void> {
    const { folder } = this.pathsOf(id);
    const grave = join(this.#temporary, `${id}-${randomUUID()}`);
    try {
      await rename(folder, grave);
    } catch (error) {
      if (errnoCode(error) === 'ENOENT') return;
      throw error;
    }
    fault('container.remove.grave');
    this.#delete(grave);
  }

  /** Resolves when all that was removed is deleted. */
  async settled(): Promise<void> {
    await Promise.all(this.#deletions);
  }

  /** What cannot be deleted now is tried again at the next start. */
  #delete(path: string): void {
    const deletion = removeTree(path).catch(() => undefined);
    this.#deletions.add(deletion);
    void deletion.then(() => this.#deletions.delete(deletion));
  }
}

async function makeDraft(draft: string, chain: readonly string[]): Promise<void> {
  await mkdir(draft, { mode: 0o710 });
  await settleAll([
    mkdir(join(draft, 'upper'), { mode: 0o755 }),
    mkdir(join(draft, 'work'), { mode: 0o700 }),
    mkdir(join(draft, 'merged'), { mode: 0o700 }),
    writeSynced(join(draft, CHAIN_FILE), JSON.stringify(chain)),
  ]);
}

/** An id becomes a file name: one component, nothing special. */
function checkId(id: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,200}$/.test(id)) return id;
  throw invalid(`${JSON.stringify(id)} cannot be the id of a writable layer`);
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
