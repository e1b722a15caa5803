import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoCode, notFound, system } from '#errors/errors.ts';
import { type Digest, hexOf } from '#lib/digest.ts';
import { syncFolder } from '#lib/durable-file.ts';
import { KeyedMutex } from '#lib/locks.ts';
import { runInWorker } from '#lib/worker-pool.ts';
import { fault } from '#lib/write-steps.ts';
import type { Layer, LayerStat, LayerVerdict, PreparedLayer } from '../driver.ts';
import type { Temporary } from '../temporary.ts';
import { WRITER_VERSION } from './image.ts';
import type { IndexJob } from './index-layer.ts';
import { encodeStamp, identify, readStamp, type Stamp, sameTar, type TarIdentity } from './stamp.ts';

const indexJob = new URL('./index-layer.ts', import.meta.url);
const verifyJob = new URL('./verify-index.ts', import.meta.url);
const INDEX_NAME = /^([0-9a-f]{64})\.erofs$/;

/** What a mount of a layer is made from. */
export interface LayerFiles {
  indexPath: string;
  tarPath: string;
}

/** The indexes on disk, one file per layer: `<root>/erofs/v<N>/<hex>.erofs`, N the version of the writer. */
export class LayerIndexes {
  readonly #versions: string;
  readonly #folder: string;
  readonly #temporary: Temporary;
  readonly #contentPath: (diffId: string) => string;
  readonly #locks = new KeyedMutex();

  constructor(root: string, temporary: Temporary, contentPath: (diffId: string) => string) {
    this.#versions = join(root, 'erofs');
    this.#folder = join(this.#versions, `v${WRITER_VERSION}`);
    this.#temporary = temporary;
    this.#contentPath = contentPath;
  }

  /** `sweep`: indexes that other versions of the writer made go. */
  async open({ sweep = true } = {}): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    if (!sweep) return;
    for (const name of await readdir(this.#versions)) {
      const folder = join(this.#versions, name);
      if (folder !== this.#folder) await this.#temporary.bury(folder, name);
    }
  }

  /** Makes the index of a layer, in a worker if none is prepared, if there is none that fits its tar; `anew`: in any case. */
  apply(layer: Layer, { anew = false } = {}): Promise<LayerStat> {
    return this.#locks.run(layer.diffId, async () => {
      const indexPath = this.#pathOf(layer.diffId);
      const stamp = anew ? undefined : await readStamp(indexPath);
      if (stamp && sameTar(stamp.tar, await identifyTar(layer))) return stamp.layer;
      const prepared = layer.prepared ?? (await this.#prepare(layer));
      await keepIndex(prepared, layer, indexPath);
      return prepared.stat;
    });
  }

  /** See `GraphDriver.verifyLayer`. */
  verify({ diffId, tarPath, size }: Layer, signal?: AbortSignal): Promise<LayerVerdict> {
    const input = { diffId, tarPath, size, indexPath: this.#pathOf(diffId) };
    return this.#locks.run(diffId, () => runInWorker<LayerVerdict>(verifyJob, input, { signal }));
  }

  /** diffIDs of all indexes. */
  async list(): Promise<Digest[]> {
    const names = (await readdir(this.#folder)).map((name) => INDEX_NAME.exec(name)?.[1]);
    return names.flatMap((hex): Digest[] => (hex ? [`sha256:${hex}`] : []));
  }

  async exists(diffId: string): Promise<boolean> {
    const stamp = await readStamp(this.#pathOf(diffId));
    if (!stamp) return false;
    try {
      return sameTar(stamp.tar, await identifyTar({ diffId, tarPath: this.#contentPath(diffId) }));
    } catch (error) {
      if (errnoCode(error) === 'LAYER_MISSING') return false;
      throw error;
    }
  }

  /** Bytes of the index; 0 without one. */
  async size(diffId: string): Promise<number> {
    try {
      return (await stat(this.#pathOf(diffId))).size;
    } catch (error) {
      if (errnoCode(error) === 'ENOENT') return 0;
      throw error;
    }
  }

  /**
   * The files to mount, after a look at both: an index of another tar would show wrong content without any error from
   * the kernel. An index that is not there (it is of another version, or lost) is made anew.
   */
  async filesOf(diffId: string): Promise<LayerFiles> {
    const [indexPath, tarPath] = [this.#pathOf(diffId), this.#contentPath(diffId)];
    const tar = await identifyTar({ diffId, tarPath });
    let stamp: Stamp | undefined = await readStamp(indexPath);
    if (!stamp) {
      await this.apply({ diffId, tarPath, size: Number(tar.size) });
      stamp = await readStamp(indexPath);
    }
    if (!stamp || stamp.diffId !== diffId || !sameTar(stamp.tar, tar)) {
      throw system(`the tar of layer ${diffId} (${tarPath}) has changed since it was indexed`, {
        code: 'LAYER_CHANGED',
        hint: 'Remove the image and load it again.',
      });
    }
    return { indexPath, tarPath };
  }

  remove(diffId: string): Promise<void> {
    return this.#locks.run(diffId, () => rm(this.#pathOf(diffId), { force: true }));
  }

  async #prepare({ diffId, tarPath, size }: Layer): Promise<PreparedLayer> {
    const path = this.#temporary.path(hexOf(diffId as Digest));
    const job: IndexJob = { diffId, tarPath, size, path };
    return { path, stat: await runInWorker<LayerStat>(indexJob, job) };
  }

  #pathOf(diffId: string): string {
    return join(this.#folder, `${hexOf(diffId as Digest)}.erofs`);
  }
}

/** Says in an index which tar it belongs to, makes it durable and gives it its name. */
async function keepIndex(prepared: PreparedLayer, layer: Layer, indexPath: string): Promise<void> {
  const { path, stat } = prepared;
  try {
    const stamp = encodeStamp({ diffId: layer.diffId, tar: await identifyTar(layer), layer: stat });
    await using file = await open(path, 'r+');
    await file.write(stamp, { position: 0 });
    await file.sync();
    fault('layer.index.write');
    await rename(path, indexPath);
    fault('layer.index.rename');
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
  await syncFolder(dirname(indexPath));
}

async function identifyTar({ diffId, tarPath }: Pick<Layer, 'diffId' | 'tarPath'>): Promise<TarIdentity> {
  try {
    return identify(await stat(tarPath, { bigint: true }));
  } catch (cause) {
    if (errnoCode(cause) !== 'ENOENT') throw cause;
    throw notFound(`layer ${diffId} is not in the content store (${tarPath})`, { code: 'LAYER_MISSING', cause });
  }
}
