import type { IngestedBlob } from '#content/blob-writer.ts';
import type { ContentStore } from '#content/store.ts';
import type { GraphDriver } from '#graphdriver/driver.ts';
import type { Digest } from '#lib/digest.ts';
import { fault } from '#lib/write-steps.ts';
import type { Database } from '#metadata/database.ts';

/** What the graph knows of a layer that can be mounted. */
export interface LayerInfo {
  /** True length of the tar in bytes. */
  size: number;
  /** Bytes of its files. */
  contentSize: number;
  entries: number;
}

interface LayerState {
  info?: LayerInfo;
  /** Images that have it in their chain. */
  images: number;
  /** Work under way that needs it to stay. */
  pins: number;
  /** Digests of compressed blobs that hold this layer. */
  sources: Digest[];
  applying?: Promise<LayerInfo>;
  removing?: Promise<void>;
}

export interface LayerOptions {
  db: Database;
  content: ContentStore;
  driver: GraphDriver;
  /** Whether a container's root stands on this layer; its images may be gone. */
  usedByContainer: (diffId: Digest) => boolean;
  warn: (message: string) => void;
}

/**
 * Which layers there are and who needs them. A layer stays while an image, a container or work under way (a pin) has
 * it; when the last of them lets go, its row, its index and its tar are removed, in this order.
 */
export class Layers {
  readonly #options: LayerOptions;
  readonly #states = new Map<Digest, LayerState>();
  /** Digest of a compressed blob -> diffID. */
  readonly #sources = new Map<Digest, Digest>();

  constructor(options: LayerOptions) {
    this.#options = options;
  }

  /** A layer as the database names it at start. */
  restore(diffId: Digest, info: LayerInfo): void {
    this.#state(diffId).info = info;
  }

  info(diffId: Digest): LayerInfo | undefined {
    return this.#states.get(diffId)?.info;
  }

  /** How many images share it. */
  imagesOf(diffId: Digest): number {
    return this.#states.get(diffId)?.images ?? 0;
  }

  /** All layers that are there and not being removed. */
  *known(): Generator<Digest> {
    for (const [diffId, { info }] of this.#states) if (info) yield diffId;
  }

  /** Keeps the layer (which need not be there yet) until `unpin`. */
  pin(diffId: Digest): void {
    this.#state(diffId).pins++;
  }

  /** Pins the layer that a blob of this digest holds, plain or compressed, if it is there. */
  pinKnown(digest: Digest): Digest | undefined {
    const diffId = this.#sources.get(digest) ?? digest;
    const state = this.#states.get(diffId);
    if (!state?.info) return undefined;
    state.pins++;
    return diffId;
  }

  /** Remembers that the compressed blob `digest` holds the layer. */
  addSource(diffId: Digest, digest: Digest): void {
    if (this.#sources.has(digest)) return;
    this.#sources.set(digest, diffId);
    this.#state(diffId).sources.push(digest);
  }

  async unpin(diffIds: readonly Digest[]): Promise<void> {
    for (const diffId of diffIds) this.#state(diffId).pins--;
    await this.collect(diffIds);
  }

  /**
   * Makes a pinned layer mountable and gives what is known of it: from `blob`, a finished tar, unless the layer is there
   * already. Of several calls at the same time one does the work. Rejects as `GraphDriver.applyDiff` does.
   */
  async provide(diffId: Digest, blob: IngestedBlob | undefined): Promise<LayerInfo> {
    const state = this.#state(diffId);
    await state.removing;
    if (state.info) return state.info;
    state.applying ??= this.#apply(diffId, blob).finally(() => delete state.applying);
    state.info = await state.applying;
    return state.info;
  }

  /** Makes the index of a layer that is there once more, if the driver has lost it or is another one. */
  async ensureApplied(diffId: Digest): Promise<void> {
    const { driver, content } = this.#options;
    if (await driver.exists(diffId)) return;
    await driver.applyDiff({ diffId, tarPath: content.pathOf(diffId), size: this.info(diffId)!.size });
  }

  /** An image that is now in the database has these layers. */
  addImage(diffIds: readonly Digest[]): void {
    for (const diffId of new Set(diffIds)) this.#state(diffId).images++;
  }

  /** An image that is no longer in the database had these layers; `collect` them afterwards. */
  dropImage(diffIds: readonly Digest[]): void {
    for (const diffId of new Set(diffIds)) this.#state(diffId).images--;
  }

  /** Removes those of the layers that nobody needs, and gives them. */
  async collect(diffIds: Iterable<Digest>): Promise<Digest[]> {
    const unused = [...new Set(diffIds)].filter((diffId) => this.#isUnused(diffId));
    await Promise.all(unused.map((diffId) => this.#remove(diffId)));
    return unused;
  }

  /** Removes the files of a blob that no row names, unless it is a layer that is coming just now. */
  async removeUnknown(digest: Digest): Promise<void> {
    if (!this.#states.has(digest)) await this.#remove(digest);
  }

  #isUnused(diffId: Digest): boolean {
    const state = this.#states.get(diffId);
    if (!state || state.images > 0 || state.pins > 0 || state.removing) return false;
    return !this.#options.usedByContainer(diffId);
  }

  async #apply(diffId: Digest, blob: IngestedBlob | undefined): Promise<LayerInfo> {
    const { content, driver } = this.#options;
    if (blob) await content.commit([blob]);
    const size = blob?.size ?? (await content.size(diffId));
    const stat = await driver.applyDiff({ diffId, tarPath: content.pathOf(diffId), size });
    fault('layer.apply');
    return { size, contentSize: stat.size, entries: stat.entries };
  }

  /** Marks the layer at once, so that whoever wants it from now on waits and then brings it anew. */
  #remove(diffId: Digest): Promise<void> {
    const state = this.#state(diffId);
    delete state.info;
    for (const digest of state.sources.splice(0)) this.#sources.delete(digest);
    state.removing = this.#removeFiles(diffId)
      .catch((error) => this.#options.warn(`cannot remove layer ${diffId}: ${error.message}`))
      .finally(() => {
        delete state.removing;
        if (state.images === 0 && state.pins === 0) this.#states.delete(diffId);
      });
    return state.removing;
  }

  async #removeFiles(diffId: Digest): Promise<void> {
    const { db, driver, content } = this.#options;
    await db.write([{ sql: 'DELETE FROM layers WHERE diff_id = ?', params: [diffId] }]);
    fault('layer.remove.commit');
    await driver.removeLayer(diffId);
    fault('layer.remove.index');
    await content.remove([diffId]);
    fault('layer.remove.blob');
  }

  #state(diffId: Digest): LayerState {
    let state = this.#states.get(diffId);
    if (!state) {
      state = { images: 0, pins: 0, sources: [] };
      this.#states.set(diffId, state);
    }
    return state;
  }
}
