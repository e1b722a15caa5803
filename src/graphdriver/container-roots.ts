import { unavailable } from '#errors/errors.ts';
import { KeyedMutex } from '#lib/locks.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import type { MountInfo } from '#linux/mountinfo.ts';
import { LayerUsers } from './layer-users.ts';
import type { ReadWriteLayers, ReadWritePaths } from './read-write-layers.ts';

export interface ContainerRootsOptions {
  launcher: Pick<Launcher, 'unmount'>;
  readWrite: ReadWriteLayers;
  /** Mounts a writable layer over `chain` (diffIDs, bottom first) on `paths.merged`. */
  mount(paths: ReadWritePaths, chain: readonly string[], readOnly: boolean): Promise<void>;
}

type Mode = 'read-write' | 'read-only';

/** Which containers' roots are mounted, and on which layers they stand. */
export class ContainerRoots {
  readonly #options: ContainerRootsOptions;
  readonly #users = new LayerUsers();
  readonly #mounted = new Map<string, Mode>();
  readonly #locks = new KeyedMutex();
  readonly #mounting = new Set<Promise<string>>();
  #closed = false;

  constructor(options: ContainerRootsOptions) {
    this.#options = options;
  }

  /** How many are mounted. */
  get count(): number {
    return this.#mounted.size;
  }

  /** Whether a mounted root stands on the layer. */
  uses(diffId: string): boolean {
    return this.#users.has(diffId);
  }

  /** Throws `conflict` if a mounted root stands on the layer. */
  refuseIfUsed(diffId: string): void {
    this.#users.refuseIfUsed(diffId);
  }

  /** Finds again what an earlier engine left mounted. */
  async adopt(mounts: readonly MountInfo[]): Promise<void> {
    const { readWrite } = this.#options;
    const targets = new Map(mounts.map((mount) => [mount.mountPoint, mount]));
    for (const id of await readWrite.list()) {
      const mount = targets.get(readWrite.pathsOf(id).merged);
      if (!mount) continue;
      this.#mounted.set(id, mount.options.includes('ro') ? 'read-only' : 'read-write');
      this.#users.claim(id, await readWrite.chainOf(id));
    }
  }

  /**
   * Mounts a root if it is not, and gives its path. One that is mounted read-only is mounted anew for writing. Throws
   * `unavailable` after `close`.
   */
  async get(id: string, readOnly: boolean): Promise<string> {
    this.#refuseIfClosed();
    const mounting = this.#mount(id, readOnly);
    this.#mounting.add(mounting);
    try {
      return await mounting;
    } finally {
      this.#mounting.delete(mounting);
    }
  }

  #mount(id: string, readOnly: boolean): Promise<string> {
    return this.#locks.run(id, async () => {
      const { launcher, readWrite, mount } = this.#options;
      const paths = readWrite.pathsOf(id);
      const chain = await readWrite.chainOf(id);
      const mode = this.#mounted.get(id);
      if (mode === 'read-write' || (mode === 'read-only' && readOnly)) return paths.merged;
      this.#users.claim(id, chain);
      try {
        await readWrite.refuseOtherKind(id);
        if (mode) await launcher.unmount(paths.merged);
        this.#mounted.delete(id);
        await mount(paths, chain, readOnly);
      } catch (error) {
        if (!this.#mounted.has(id)) this.#users.release(id);
        throw error;
      }
      this.#mounted.set(id, readOnly ? 'read-only' : 'read-write');
      return paths.merged;
    });
  }

  /** Does `work` with a writable layer, mounted or not, whose layers stay meanwhile. Throws as `get`. */
  use<T>(id: string, work: (paths: ReadWritePaths, chain: readonly string[]) => Promise<T>): Promise<T> {
    return this.#locks.run(id, async () => {
      const { readWrite } = this.#options;
      const chain = await readWrite.chainOf(id);
      await readWrite.refuseOtherKind(id);
      this.#refuseIfClosed();
      this.#users.claim(id, chain);
      try {
        return await work(readWrite.pathsOf(id), chain);
      } finally {
        if (!this.#mounted.has(id)) this.#users.release(id);
      }
    });
  }

  put(id: string): Promise<void> {
    return this.#locks.run(id, () => this.#unmount(id));
  }

  remove(id: string): Promise<void> {
    return this.#locks.run(id, async () => {
      await this.#unmount(id);
      await this.#options.readWrite.remove(id);
    });
  }

  /** No root is mounted from now on; resolves when those that are being mounted are. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#mounting);
  }

  #refuseIfClosed(): void {
    if (this.#closed) throw unavailable('the engine is ending');
  }

  async #unmount(id: string): Promise<void> {
    const { launcher, readWrite } = this.#options;
    if (this.#mounted.has(id)) await launcher.unmount(readWrite.pathsOf(id).merged);
    this.#mounted.delete(id);
    this.#users.release(id);
  }
}
