import type { IngestedBlob } from '#content/blob-writer.ts';
import type { ContentStore } from '#content/store.ts';
import { system } from '#errors/errors.ts';
import type { GraphDriver, PreparedLayer } from '#graphdriver/driver.ts';
import type { KnownLayer } from '#image/image.ts';
import type { Digest } from '#lib/digest.ts';
import { fault } from '#lib/write-steps.ts';
import type { Database } from '#metadata/database.ts';

/** What the graph knows of a layer that can be mounted. */
export interface LayerInfo {
  diffId: Digest;
  /** True length of the tar in bytes. */
  size: number;
  /** Bytes of its files. */
  contentSize: number;
  entries: number;
}

/** A finished tar, and what was prepared of it, if something was. */
export interface NewLayer extends IngestedBlob {
  prepared?: PreparedLayer;
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
  restore(info: LayerInfo): void {
    this.#state(info.diffId).info = info;
  }

  info(diffId: Digest): LayerInfo | undefined {
    return this.#states.get(diffId)?.info;
  }

  /** What an image says of a layer; one that is lost has no size. */
  readonly nameAndSize = (diffId: Digest): KnownLayer => this.info(diffId) ?? { diffId, contentSize: 0 };

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

  /** The compressed blobs that are known to hold a layer. */
  sourcesOf(diffId: Digest): readonly Digest[] {
    return this.#states.get(diffId)?.sources ?? [];
  }

  /** Whether a compressed blob is known to hold a layer that is here. */
  hasSource(digest: Digest): boolean {
    return this.#sources.has(digest);
  }

  async unpin(diffIds: readonly Digest[]): Promise<void> {
    for (const diffId of diffIds) this.#state(diffId).pins--;
    await this.collect(diffIds);
  }

  /**
   * Makes a pinned layer mountable and gives what is known of it: from `blob`, a finished tar, unless the layer is there
   * already. Of several calls at the same time one does the work. Rejects as `GraphDriver.applyDiff` does.
   */
  async provide(diffId: Digest, blob: NewLayer | undefined): Promise<LayerInfo> {
    const state = this.#state(diffId);
    await state.removing;
    if (state.info) return state.info;
    state.applying ??= this.#apply(diffId, blob).finally(() => delete state.applying);
    state.info = await state.applying;
    return state.info;
  }

  /**
   * Makes the index of a layer that is there once more, if the driver has lost it or is another one. Throws `system`
   * (code `LAYER_LOST`) when the layer itself is gone.
   */
  async ensureApplied(diffId: Digest): Promise<void> {
    const { driver, content } = this.#options;
    if (await driver.exists(diffId)) return;
    const info = this.info(diffId);
    if (!info || !(await content.has(diffId))) {
      throw system(`layer ${diffId} is lost: its tar is not in the content store`, {
        code: 'LAYER_LOST',
        hint: 'Run "wherry system check --repair", then load or pull the image again.',
      });
    }
    await driver.applyDiff({ diffId, tarPath: content.pathOf(diffId), size: info.size });
  }

  /** What was known of a layer turned out wrong. */
  correct(diffId: Digest, info: LayerInfo): void {
    this.#state(diffId).info = info;
  }

  /** The tar of a layer is lost: whoever brings it again is welcome, though images and containers still name it. */
  async lose(diffId: Digest): Promise<void> {
    const state = this.#state(diffId);
    await this.#options.db.write([{ sql: 'DELETE FROM layers WHERE diff_id = ?', params: [diffId] }]);
    delete state.info;
    for (const digest of state.sources.splice(0)) this.#sources.delete(digest);
  }

  /** Puts those layers aside that no image and no container needs, instead of removing them; gives their new places. */
  async putUnusedAside(): Promise<string[]> {
    const unused = [...this.known()].filter((diffId) => this.#isUnused(diffId));
    const places: string[] = [];
    await Promise.all(
      unused.map((diffId) =>
        this.#remove(diffId, async () => {
          const place = await this.#options.content.putAside(diffId);
          if (place) places.push(place);
        }),
      ),
    );
    return places;
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

  /** True for a layer that images or work under way name, whether it is there or not. */
  isNamed(diffId: Digest): boolean {
    return this.#states.has(diffId);
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

  async #apply(diffId: Digest, blob: NewLayer | undefined): Promise<LayerInfo> {
    const { content, driver } = this.#options;
    if (blob) await content.commit([blob]);
    const size = blob?.size ?? (await this.#verifiedSize(diffId));
    const stat = await driver.applyDiff({ diffId, tarPath: content.pathOf(diffId), size, prepared: blob?.prepared });
    fault('layer.apply');
    return { diffId, size, contentSize: stat.size, entries: stat.entries };
  }

  async #verifiedSize(diffId: Digest): Promise<number> {
    const size = await this.#options.content.verify(diffId);
    if (size !== undefined) return size;
    throw system(`the tar of layer ${diffId} is damaged: its bytes have another digest`, { code: 'BLOB_CORRUPT' });
  }

  /** Marks the layer at once, so that whoever wants it from now on waits and then brings it anew. */
  #remove(diffId: Digest, removeBlob = () => this.#options.content.remove([diffId])): Promise<void> {
    const state = this.#state(diffId);
    delete state.info;
    const sources = state.sources.splice(0);
    for (const digest of sources) this.#sources.delete(digest);
    state.removing = this.#removeFiles(diffId, removeBlob)
      .then(() => this.#options.content.compressed.remove(sources))
      .catch((error) => this.#options.warn(`cannot remove layer ${diffId}: ${error.message}`))
      .finally(() => {
        delete state.removing;
        if (state.images === 0 && state.pins === 0) this.#states.delete(diffId);
      });
    return state.removing;
  }

  async #removeFiles(diffId: Digest, removeBlob: () => Promise<void>): Promise<void> {
    const { db, driver } = this.#options;
    await db.write([{ sql: 'DELETE FROM layers WHERE diff_id = ?', params: [diffId] }]);
    fault('layer.remove.commit');
    await driver.removeLayer(diffId);
    fault('layer.remove.index');
    await removeBlob();
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
