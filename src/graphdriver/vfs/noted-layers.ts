import { access, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoCode } from '#errors/errors.ts';
import { type Digest, hexOf, isDigest } from '#lib/digest.ts';
import { KeyedMutex } from '#lib/locks.ts';
import { runInWorker } from '#lib/worker-pool.ts';
import type { Layer, LayerStat, LayerVerdict } from '../driver.ts';
import { storedLayer } from '../stored-layer.ts';
import type { Temporary } from '../temporary.ts';
import { verifyNote } from '../verify-note.ts';
import type { NoteJob } from './note-layer.ts';

const noteJob = new URL('./note-layer.ts', import.meta.url);

export interface NotedLayersOptions {
  /** `<data-root>/graph/vfs`: a note for each layer, named by its hex digest. */
  folder: string;
  temporary: Temporary;
  contentPath(diffId: string): string;
}

/** The layers whose tars were found to be sound. The tar is all that there is of a layer until a container is made. */
export class NotedLayers {
  readonly #options: NotedLayersOptions;
  readonly #locks = new KeyedMutex();

  constructor(options: NotedLayersOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    await mkdir(this.#options.folder, { recursive: true, mode: 0o700 });
  }

  apply(layer: Layer): Promise<LayerStat> {
    return this.#locks.run(
      layer.diffId,
      async () => (await readNote(this.#noteOf(layer.diffId))) ?? (await this.#note(layer)),
    );
  }

  verify(layer: Layer, signal?: AbortSignal): Promise<LayerVerdict> {
    return verifyNote(layer, () => readNote(this.#noteOf(layer.diffId)), signal);
  }

  rebuild(layer: Layer): Promise<LayerStat> {
    return this.#locks.run(layer.diffId, () => this.#note(layer));
  }

  async list(): Promise<Digest[]> {
    const names = await readdir(this.#options.folder);
    return names.map((name): Digest => `sha256:${name.replace(/\.json$/, '')}`).filter(isDigest);
  }

  async exists(diffId: string): Promise<boolean> {
    const note = await readNote(this.#noteOf(diffId));
    return note !== undefined && (await isThere(this.#options.contentPath(diffId)));
  }

  /** Bytes of the note; 0 when there is none. */
  async size(diffId: string): Promise<number> {
    const note = await readNote(this.#noteOf(diffId));
    return note ? JSON.stringify(note).length : 0;
  }

  /** The tar of a layer. Throws `not-found`, and as `apply` for one that was not noted yet. */
  async tarOf(diffId: string): Promise<string> {
    const layer = await storedLayer(diffId, this.#options.contentPath(diffId));
    await this.apply(layer);
    return layer.tarPath;
  }

  remove(diffId: string): Promise<void> {
    return this.#locks.run(diffId, () => rm(this.#noteOf(diffId), { force: true }));
  }

  #note(layer: Layer): Promise<LayerStat> {
    const draft = this.#options.temporary.path(hexOf(layer.diffId as Digest));
    return runInWorker<LayerStat>(noteJob, { ...layer, note: this.#noteOf(layer.diffId), draft } satisfies NoteJob);
  }

  #noteOf(diffId: string): string {
    return join(this.#options.folder, `${hexOf(diffId as Digest)}.json`);
  }
}

async function readNote(path: string): Promise<LayerStat | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as LayerStat;
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
