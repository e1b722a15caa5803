import { mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { conflict, errnoCode } from '#errors/errors.ts';
import { type Digest, hexOf, isDigest } from '#lib/digest.ts';
import { syncFolder } from '#lib/durable-file.ts';
import { KeyedMutex } from '#lib/locks.ts';
import { runInWorker } from '#lib/worker-pool.ts';
import { fault } from '#lib/write-steps.ts';
import type { Layer, LayerStat, LayerVerdict, PreparedLayer } from '../driver.ts';
import type { LayerStore } from '../layer-store.ts';
import { storedLayer } from '../stored-layer.ts';
import type { Temporary } from '../temporary.ts';
import { verifyNote } from '../verify-note.ts';
import type { ExtractJob } from './extract-layer.ts';
import { DIFF, STAT_FILE } from './write-layer.ts';

const extractJob = new URL('./extract-layer.ts', import.meta.url);
const preparer = new URL('./prepare-folder.ts', import.meta.url);

export interface ExtractedLayersOptions {
  /** `<data-root>/graph/overlay2`: a folder for each layer, named by its hex digest. */
  folder: string;
  temporary: Temporary;
  contentPath(diffId: string): string;
}

/** Layers as extracted directories. A folder that has its name is whole; one that is lost is extracted again. */
export class ExtractedLayers implements LayerStore {
  readonly preparer = preparer;
  readonly #options: ExtractedLayersOptions;
  readonly #locks = new KeyedMutex();

  constructor(options: ExtractedLayersOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    await mkdir(this.#options.folder, { recursive: true, mode: 0o700 });
  }

  apply(layer: Layer): Promise<LayerStat> {
    return this.#locks.run(layer.diffId, async () => {
      const known = await this.#stat(layer.diffId);
      return known ?? (await this.#keep(layer.prepared ?? (await this.#extract(layer)), layer.diffId));
    });
  }

  verify(layer: Layer, signal?: AbortSignal): Promise<LayerVerdict> {
    return verifyNote(layer, () => this.#stat(layer.diffId), signal);
  }

  rebuild(layer: Layer, isUsed: boolean): Promise<LayerStat> {
    const { diffId } = layer;
    if (isUsed) throw conflict(`layer ${diffId} is in use`, { hint: 'Stop the containers that use it first.' });
    return this.#locks.run(diffId, async () => {
      await this.#options.temporary.bury(this.#folderOf(diffId), hexOf(diffId as Digest));
      return this.#keep(await this.#extract(layer), diffId);
    });
  }

  async list(): Promise<Digest[]> {
    const names = await readdir(this.#options.folder);
    return names.map((name): Digest => `sha256:${name}`).filter(isDigest);
  }

  async exists(diffId: string): Promise<boolean> {
    return (await this.#stat(diffId)) !== undefined;
  }

  /** The files' lengths, as `du --apparent-size` adds them up but for symlinks; in whole blocks they take more. */
  async size(diffId: string): Promise<number> {
    return (await this.#stat(diffId))?.size ?? 0;
  }

  async mount(diffId: string): Promise<string> {
    if (!(await this.exists(diffId))) await this.apply(await storedLayer(diffId, this.#options.contentPath(diffId)));
    return this.pathOf(diffId);
  }

  pathOf(diffId: string): string {
    return join(this.#folderOf(diffId), DIFF);
  }

  remove(diffId: string): Promise<void> {
    return this.#locks.run(diffId, async () => {
      const buried = await this.#options.temporary.bury(this.#folderOf(diffId), hexOf(diffId as Digest));
      if (buried) fault('layer.remove.grave');
    });
  }

  status(): [string, string][] {
    return [
      ['Using metacopy', 'false'],
      ['Native Overlay Diff', 'true'],
      ['userxattr', 'false'],
    ];
  }

  async unmountUnused(): Promise<void> {}

  async #extract({ diffId, tarPath, size }: Layer): Promise<PreparedLayer> {
    const path = this.#options.temporary.path(hexOf(diffId as Digest));
    const job: ExtractJob = { diffId, tarPath, size, path };
    return { path, stat: await runInWorker<LayerStat>(extractJob, job) };
  }

  /** Gives a layer that is complete and on the disk its name. */
  async #keep({ path, stat }: PreparedLayer, diffId: string): Promise<LayerStat> {
    const folder = this.#folderOf(diffId);
    fault('layer.extract.write');
    try {
      await rename(path, folder);
    } catch (error) {
      void this.#options.temporary.discard(path);
      throw error;
    }
    fault('layer.extract.rename');
    await syncFolder(dirname(folder));
    return stat;
  }

  async #stat(diffId: string): Promise<LayerStat | undefined> {
    try {
      return JSON.parse(await readFile(join(this.#folderOf(diffId), STAT_FILE), 'utf8')) as LayerStat;
    } catch (error) {
      if (errnoCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  #folderOf(diffId: string): string {
    return join(this.#options.folder, hexOf(diffId as Digest));
  }
}
