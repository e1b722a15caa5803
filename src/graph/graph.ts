import type {
  HistoryResponseItem,
  ImageDeleteResponseItem,
  ImageInspect,
  ImagePruneResponse,
  ImageSummary,
  OciPlatform,
  ProgressMessage,
} from '#api/types/image.ts';
import type { ImageGraph } from '#api/types/image-graph.ts';
import type { Image } from '#image/image.ts';
import type { Digest } from '#lib/digest.ts';
import type { Filters } from '#lib/filters.ts';
import { Mutex } from '#lib/locks.ts';
import { familiarReference } from '#lib/reference.ts';
import { settleAll } from '#lib/settle-all.ts';
import { nowNs } from '#lib/time.ts';
import { TruncIndex } from '#lib/truncindex.ts';
import { WorkerPool } from '#lib/worker-pool.ts';
import { Aliases } from './aliases.ts';
import { childrenOf, familyOf, walkHistory } from './ancestry.ts';
import { type CheckedGraph, checkGraph } from './check/check.ts';
import type { GraphCheck } from './check/graph-check.ts';
import { commitImage } from './commit.ts';
import { createImage, type NewImageRequest } from './create.ts';
import { type GraphUsage, graphUsage } from './disk-usage.ts';
import { imageHistory } from './history.ts';
import { imageGraph } from './image-graph.ts';
import { type ImageManifests, imageManifests } from './image-manifests.ts';
import { type ImportRequest, importImage } from './import.ts';
import { inspectImage } from './inspect.ts';
import { type LayerTar, layerTar } from './layer-tar.ts';
import { Layers } from './layers.ts';
import { type ListQuery, listImages } from './list.ts';
import { type LoadOptions, loadImages } from './load/load.ts';
import { findImage, lookUpImage } from './lookup.ts';
import { pruneImages } from './prune.ts';
import { LayerTransfers } from './pull/layer-transfers.ts';
import { type PullRequest, pullImages } from './pull/pull.ts';
import { type PushRequest, pushImages } from './push/push.ts';
import { Pushes } from './push/pushes.ts';
import { References } from './references.ts';
import { refuseOtherPlatform } from './refuse-platform.ts';
import { type RemoveOptions, removeImage } from './remove.ts';
import { restoreGraph } from './restore.ts';
import { saveImages } from './save.ts';
import type { GraphOptions, GraphState } from './state.ts';
import { sweepGraph } from './sweep.ts';
import { type TagTarget, tagImage } from './tag.ts';

export type { CheckedGraph } from './check/check.ts';
export type { GraphCheck } from './check/graph-check.ts';
export type { GraphOptions, ImageEvent, ImageUser } from './state.ts';

/** Loads that can be under way at a time; more wait for their turn. */
const MAX_LOADS = 16;

/** Opens the graph and restores what the database knows. Changes nothing on the disk. */
export async function openGraph(options: GraphOptions): Promise<Graph> {
  const complete: Required<GraphOptions> = {
    users: () => [],
    usedByContainer: () => false,
    onEvent: () => {},
    warn: () => {},
    now: nowNs,
    maxDownloads: 3,
    keepCompressed: false,
    maxUploads: 5,
    ...options,
  };
  const layers = new Layers(complete);
  const { content, driver, maxDownloads, keepCompressed } = complete;
  const state: GraphState = {
    ...complete,
    images: new Map(),
    ids: new TruncIndex(),
    aliases: new Aliases(),
    children: new Map(),
    manifestUsers: new Map(),
    references: new References(),
    layers,
    transfers: new LayerTransfers({ content, driver, layers, downloads: maxDownloads, keepCompressed }),
    pushes: new Pushes(complete.maxUploads),
    changes: new Mutex(),
    loaders: new WorkerPool({ size: MAX_LOADS }),
  };
  await restoreGraph(state);
  return new Graph(state);
}

/** The images, their names and their layers. Reads answer at once from memory; a change resolves when it is durable. */
export class Graph {
  readonly #state: GraphState;

  constructor(state: GraphState) {
    this.#state = state;
  }

  /** How many images there are. */
  get size(): number {
    return this.#state.images.size;
  }

  /** The image that a reference, an id or the beginning of an id means. Throws `not-found` (`No such image: x`). */
  get(name: string): Image {
    return findImage(this.#state, name).image;
  }

  /** The same, undefined when there is none: for names that others wrote down. */
  find(name: string): Image | undefined {
    return lookUpImage(this.#state, name)?.image;
  }

  /** Every image, in no order. */
  *[Symbol.iterator](): Generator<Image> {
    for (const { image } of this.#state.images.values()) yield image;
  }

  /** The image that this one was made from, while it is there. */
  parentOf(imageId: Digest): Image | undefined {
    const [, parent] = this.walkHistory(imageId);
    return parent;
  }

  /** The image, the one that it was made from, and so on while they are there. */
  *walkHistory(imageId: Digest): Generator<Image> {
    for (const { image } of walkHistory(this.#state, imageId)) yield image;
  }

  /** The image that `name` means and all that were made from it; none without one. */
  familyOf(name: string): ReadonlySet<Digest> {
    const image = this.find(name);
    return image ? familyOf(this.#state, image.id) : new Set();
  }

  /** The images that were made from this one. */
  childrenOf(imageId: Digest): ReadonlySet<Digest> {
    return childrenOf(this.#state, imageId);
  }

  /** The bytes of the image's config, whose digest is its id. Throws `not-found`. */
  async config(name: string): Promise<Buffer> {
    return this.#state.content.read(this.get(name).id);
  }

  /** A layer's uncompressed tar, byte for byte. Throws `not-found` when no image has the layer. */
  layerTar(diffId: Digest): LayerTar {
    return layerTar(this.#state, diffId);
  }

  /** Familiar forms of the references to an image (`busybox:latest`), sorted. */
  referencesOf(imageId: Digest): string[] {
    return this.#state.references.of(imageId).map(familiarReference);
  }

  list(query: ListQuery = {}): ImageSummary[] {
    return listImages(this.#state, query);
  }

  /** Throws `not-found`, also when the image is for another platform than the one asked for. */
  inspect(name: string, platform?: OciPlatform): ImageInspect {
    this.#refuseOtherPlatform(name, platform);
    return inspectImage(this.#state, name);
  }

  /** See `imageManifests`. Throws `not-found`. */
  async manifests(name: string): Promise<ImageManifests> {
    return imageManifests(this.#state, findImage(this.#state, name));
  }

  /** Throws as `inspect` does. */
  async history(name: string, platform?: OciPlatform): Promise<HistoryResponseItem[]> {
    this.#refuseOtherPlatform(name, platform);
    return imageHistory(this.#state, name);
  }

  create(request: NewImageRequest): Promise<Image> {
    return createImage(this.#state, request);
  }

  /** See `commitImage`. */
  commit(request: Omit<NewImageRequest, 'layer'>, writeTar: (to: number) => Promise<void>): Promise<Image> {
    return commitImage(this.#state, request, writeTar);
  }

  /** Bytes of the files of all these layers. */
  contentSize(chain: readonly Digest[]): number {
    return chain.reduce((sum, diffId) => sum + (this.#state.layers.info(diffId)?.contentSize ?? 0), 0);
  }

  tag(name: string, target: TagTarget): Promise<void> {
    return tagImage(this.#state, name, target);
  }

  remove(name: string, options: RemoveOptions = {}): Promise<ImageDeleteResponseItem[]> {
    return removeImage(this.#state, name, options);
  }

  prune(filters: Filters): Promise<ImagePruneResponse> {
    return pruneImages(this.#state, filters);
  }

  /** See `GraphUsage`. */
  usage(): Promise<GraphUsage> {
    return graphUsage(this.#state);
  }

  /** How images stand on layers. */
  viz(): ImageGraph {
    return imageGraph(this.#state);
  }

  load(
    archive: AsyncIterable<Uint8Array>,
    options: LoadOptions = {},
    emit: (message: ProgressMessage) => void = () => {},
  ): Promise<void> {
    return loadImages(this.#state, archive, options, emit);
  }

  /** See `pullImages`. */
  pull(
    request: PullRequest,
    emit: (message: ProgressMessage) => void,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<void> {
    return pullImages(this.#state, request, emit, signal);
  }

  /** See `pushImages`. */
  push(
    request: PushRequest,
    emit: (message: ProgressMessage) => void,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<void> {
    return pushImages(this.#state, request, emit, signal);
  }

  /** See `importImage`. */
  import(source: AsyncIterable<Uint8Array>, request: ImportRequest, signal?: AbortSignal): Promise<Image> {
    return importImage(this.#state, source, request, signal);
  }

  /** See `saveImages`. */
  save(names: readonly string[], platforms?: readonly OciPlatform[]): Promise<AsyncIterable<Buffer>> {
    return saveImages(this.#state, names, platforms);
  }

  /**
   * Keeps an image from being removed while a container is made from it, until the hold is disposed; by then `users` has
   * to name the container. Makes sure that its layers can be mounted. Throws `not-found`.
   */
  async hold(name: string): Promise<{ image: Image } & AsyncDisposable> {
    const record = findImage(this.#state, name);
    record.holds++;
    const { image } = record;
    const { layers } = this.#state;
    for (const diffId of image.diffIds) layers.pin(diffId);
    const release = async () => {
      record.holds--;
      await layers.unpin(image.diffIds);
    };
    try {
      await settleAll(image.diffIds.map((diffId) => layers.ensureApplied(diffId)));
    } catch (error) {
      await release();
      throw error;
    }
    return { image, [Symbol.asyncDispose]: release };
  }

  /** Removes those of the layers that no image and no container needs: after the removal of a container. */
  async collectLayers(diffIds: readonly Digest[]): Promise<void> {
    await this.#state.layers.collect(diffIds);
  }

  /** Whether a layer is known and not lost. */
  hasLayer(diffId: Digest): boolean {
    return this.#state.layers.info(diffId) !== undefined;
  }

  /** See `checkGraph`. */
  check(check: GraphCheck): Promise<CheckedGraph> {
    return checkGraph(this.#state, check);
  }

  /** See `sweepGraph`. */
  sweep(): Promise<void> {
    return sweepGraph(this.#state);
  }

  /** How many layers are downloaded, and uploaded, at a time from now on. */
  limitTransfers(downloads: number, uploads: number): void {
    this.#state.transfers.limitDownloads(downloads);
    this.#state.pushes.limitUploads(uploads);
  }

  #refuseOtherPlatform(name: string, platform?: OciPlatform): void {
    if (platform) refuseOtherPlatform(this.get(name), name, [platform]);
  }

  /** Ends loads, pulls and pushes that are under way and waits for the change that is. The database stays open. */
  async close(): Promise<void> {
    await Promise.all([this.#state.loaders.close(), this.#state.transfers.close(), this.#state.pushes.close()]);
    await this.#state.changes.run(async () => {});
  }
}
