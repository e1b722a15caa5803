import { access, mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { conflict, errnoCode, invalid, notFound, system } from '#errors/errors.ts';
import { syncFolder, writeFileDurably } from '#lib/durable-file.ts';
import { settleAll } from '#lib/settle-all.ts';
import { fault } from '#lib/write-steps.ts';
import type { Temporary } from './temporary.ts';

/** The deepest chain of layers a container may stand on; the same limit as Docker's. */
export const MAX_DEPTH = 127;

/** Where one container's writable layer lies. */
export interface ReadWritePaths {
  folder: string;
  /** Overlayfs: what the container changed, and overlayfs's own work directory. */
  upper: string;
  work: string;
  /** Vfs: the whole root. */
  tree: string;
  /** Where the root is mounted. */
  merged: string;
}

/** What a writable layer is: changes over mounted layers, or a whole tree. */
export interface ReadWriteKind {
  kind: 'upper' | 'tree';
  /** Makes what is special to the kind in a new folder; durable when it resolves, but for the names in that folder. */
  fill(paths: ReadWritePaths, chain: readonly string[]): Promise<void>;
}

const CHAIN_FILE = 'layers.json';

/** Whose writable layers are of this kind. */
const drivers = { upper: 'erofs or overlay2', tree: 'vfs' } as const;

/**
 * The writable layers of containers on disk, `<root>/<id>/{upper,work,merged,layers.json}`. Each appears whole (made
 * under a temporary name, synced, renamed) and goes whole (renamed away, then deleted in the background).
 */
export class ReadWriteLayers {
  readonly #root: string;
  readonly #temporary: Temporary;
  readonly #kind: ReadWriteKind;

  constructor(root: string, temporary: Temporary, kind: ReadWriteKind) {
    this.#root = root;
    this.#temporary = temporary;
    this.#kind = kind;
  }

  async open(): Promise<void> {
    await mkdir(this.#root, { recursive: true, mode: 0o710 });
  }

  pathsOf(id: string): ReadWritePaths {
    return pathsIn(join(this.#root, checkId(id)));
  }

  /** Durable when it resolves. The same id with the same chain again is fine, with another one a `conflict`. */
  async create(id: string, chain: readonly string[]): Promise<void> {
    if (chain.length > MAX_DEPTH) {
      throw invalid(`max depth exceeded: the image has ${chain.length} layers; the limit is ${MAX_DEPTH}`);
    }
    const { folder } = this.pathsOf(id);
    const draft = this.#temporary.path(id);
    try {
      await this.#makeDraft(pathsIn(draft), chain);
      fault('container.create.draft');
      await rename(draft, folder);
    } catch (error) {
      void this.#temporary.discard(draft);
      if (errnoCode(error) !== 'ENOTEMPTY' && errnoCode(error) !== 'EEXIST') throw error;
      const existing = await this.chainOf(id);
      if (existing.join() === chain.join()) return;
      throw conflict(`the writable layer ${id} exists already and stands on other layers`, { cause: error });
    }
    await syncFolder(this.#root);
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

  /** Throws `not-found`, and `conflict` for the writable layer of a driver of the other kind. */
  async refuseOtherKind(id: string): Promise<void> {
    const paths = this.pathsOf(id);
    const { kind } = this.#kind;
    if (await exists(paths[kind])) return;
    const other = kind === 'upper' ? 'tree' : 'upper';
    await this.chainOf(id);
    if (!(await exists(paths[other]))) throw system(`the writable layer ${id} has lost ${paths[kind]}`);
    throw conflict(`container ${id} was made with the storage driver ${drivers[other]}, not with ${drivers[kind]}`, {
      code: 'OTHER_DRIVER',
      hint: 'Start wherryd with the --storage-driver it was made with, or make the container anew.',
    });
  }

  async list(): Promise<string[]> {
    return readdir(this.#root);
  }

  /** Gone when it resolves, except for the space, which is freed in the background. */
  async remove(id: string): Promise<void> {
    const { folder } = this.pathsOf(id);
    if (await this.#temporary.bury(folder, id)) fault('container.remove.grave');
  }

  async #makeDraft(paths: ReadWritePaths, chain: readonly string[]): Promise<void> {
    await mkdir(paths.folder, { mode: 0o710 });
    await settleAll([
      this.#kind.fill(paths, chain),
      mkdir(paths.merged, { mode: 0o700 }),
      writeFileDurably(join(paths.folder, CHAIN_FILE), JSON.stringify(chain), 0o600),
    ]);
  }
}

function pathsIn(folder: string): ReadWritePaths {
  const at = (name: string) => join(folder, name);
  return { folder, upper: at('upper'), work: at('work'), tree: at('tree'), merged: at('merged') };
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** An id becomes a file name: one component, nothing special. */
function checkId(id: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,200}$/.test(id)) return id;
  throw invalid(`${JSON.stringify(id)} cannot be the id of a writable layer`);
}
