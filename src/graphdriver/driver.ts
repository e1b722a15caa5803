import type { FilesystemChange } from '#api/types/container.ts';

/** In the order in which they are tried. */
export const DRIVERS = ['erofs', 'overlay2', 'vfs'] as const;
export type DriverName = (typeof DRIVERS)[number];

/**
 * What the graph and the daemon ask of a graph driver.
 *
 * The story of an image: every layer's uncompressed tar already lies in the content store under its diffID; `applyDiff`
 * makes it mountable and says how big it is. The story of a container: `createReadWrite` gives it an empty upper
 * directory over a chain of layers, `get` mounts it, `put` unmounts it, `remove` deletes it. Every operation can be
 * repeated: after a crash the same call finishes what the first one began.
 */
export interface GraphDriver {
  /** What `/info` shows. */
  readonly name: DriverName;

  /** Pairs for `/info`'s `DriverStatus`. */
  status(): Promise<[string, string][]>;

  /**
   * Makes a layer mountable. Durable when it resolves; a layer that is already there is only looked up.
   * Throws `invalid` (naming entry and offset) for a tar that cannot be a layer; nothing is left behind then.
   */
  applyDiff(layer: Layer): Promise<LayerStat>;

  /**
   * How workers may prepare layers for `applyDiff` while they write their tars: the folder is there for the caller alone,
   * until `endPreparing`. Undefined for a driver that only takes whole tars.
   */
  beginPreparing(): Promise<Preparation | undefined>;
  endPreparing(preparation: Preparation): Promise<void>;

  /** Whether `applyDiff` of this layer has been done and still holds. */
  exists(diffId: string): Promise<boolean>;

  /** Bytes on the disk of what `applyDiff` made, without the tar; 0 when it is not there. */
  layerSize(diffId: string): Promise<number>;
  /**
   * Compares what `applyDiff` made of a layer with its tar, off the main thread. Throws as `applyDiff` does, and
   * `cancelled` when `signal` fires.
   */
  verifyLayer(layer: Layer, signal?: AbortSignal): Promise<LayerVerdict>;

  /** `applyDiff` once more, in place of what is there. May throw `conflict` while a mounted filesystem uses the layer. */
  rebuildLayer(layer: Layer): Promise<LayerStat>;

  /** diffIDs of all layers that `applyDiff` made and `removeLayer` has not removed. */
  listLayers(): Promise<string[]>;

  /** Unmounts and deletes what `applyDiff` made. Throws `conflict` while a mounted filesystem uses the layer. */
  removeLayer(diffId: string): Promise<void>;

  /** Prepares `id`, an empty writable layer over `chain` (diffIDs, bottom first). Durable when it resolves. */
  createReadWrite(id: string, chain: readonly string[]): Promise<void>;

  /** Mounts `id` (if it is not mounted yet) and says where. Throws `not-found` for an unknown id. */
  get(id: string, options?: GetOptions): Promise<Rootfs>;

  /** Unmounts `id`; one that is not mounted is not an error. Throws `system` (EBUSY) while something uses the mount. */
  put(id: string): Promise<void>;

  /** Unmounts `id` and deletes its writable layer; one that does not exist is not an error. */
  remove(id: string): Promise<void>;

  /**
   * What `id` changes in the layers it stands on, as `docker diff` shows it: sorted by path, a folder whose content has
   * changed among it, of what was deleted only the top. Costs as much as was changed, not as the layers hold.
   */
  changes(id: string): Promise<FilesystemChange[]>;

  /**
   * Writes the same as the tar of a layer into the descriptor `to`, whiteouts and all. The same content always gives
   * the same bytes. Whoever wants no half-written files in it stops the container's writing first.
   */
  diff(id: string, to: number): Promise<void>;

  /** Bytes of the files that `id` holds itself. */
  diffSize(id: string): Promise<number>;

  /** For inspect's `GraphDriver.Data`: where the parts of `id`, a writable layer over `chain`, lie when mounted. */
  describe(id: string, chain: readonly string[]): Record<string, string>;

  /** The diffIDs that `id` was made over, bottom first. Throws `not-found` for an unknown id. */
  chainOf(id: string): Promise<string[]>;

  /** All ids that `createReadWrite` made and `remove` has not removed, for recovery after a crash. */
  listReadWrite(): Promise<string[]>;

  /**
   * Unmounts whatever nothing uses any more: the engine stops for good. Roots that are being mounted stay mounted, for the
   * next engine; a later `get` throws `unavailable`.
   */
  cleanup(): Promise<void>;
}

/** A layer's tar in the content store. */
export interface Layer {
  /** `sha256:<hex>` of the uncompressed tar. */
  diffId: string;
  /** The tar: synced, immutable, padded with zeros to a multiple of 512 bytes. */
  tarPath: string;
  /** The tar's true length in bytes, without the padding. */
  size: number;
  /** What was made of this same tar on the way; taken over. */
  prepared?: PreparedLayer;
}

export interface LayerStat {
  /** Bytes of all regular files, a hard-linked file counted once (what Docker shows as the layer's size). */
  size: number;
  /** Files, directories and other inodes of the layer, whiteouts included. */
  entries: number;
}

/** How a worker that writes the tars of layers begins what `GraphDriver.applyDiff` ends. */
export interface Preparation {
  /** URL of a module that exports `prepare(path): LayerPreparer`. */
  module: string;
  /** Where the paths are to be. */
  folder: string;
}

/** What was made of a layer on the way, for `applyDiff`. */
export interface PreparedLayer {
  path: string;
  stat: LayerStat;
}

/** Reads a layer's tar while it is written. `push` and `end` throw for what cannot be a layer; it is of no use after that. */
export interface LayerPreparer {
  /** The next bytes, whose buffer may be used again afterwards. */
  push(bytes: Buffer): void;
  /** The tar is there as a whole, padded, and can be read through `tar`. Makes the path; nothing is left when it throws. */
  end(diffId: string, tar: number): LayerStat | Promise<LayerStat>;
  /** It is not needed any more. To be called in any case. */
  close(): void;
}

export interface LayerVerdict {
  /** Absent when all is well, else what is wrong, in words that follow "the index": `is missing`. */
  problem?: string;
  /** What `applyDiff` has to say about the layer. */
  stat: LayerStat;
}

export interface GetOptions {
  /** Mount without a way to write: for reading a container's files without changing its upper directory's times. */
  readOnly?: boolean;
}

export interface Rootfs {
  /** The whole tree. */
  path: string;
}
