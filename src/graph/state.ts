import type { ContentStore } from '#content/store.ts';
import type { GraphDriver } from '#graphdriver/driver.ts';
import type { Image } from '#image/image.ts';
import type { Digest } from '#lib/digest.ts';
import type { Mutex } from '#lib/locks.ts';
import type { TruncIndex } from '#lib/truncindex.ts';
import type { WorkerPool } from '#lib/worker-pool.ts';
import type { Database } from '#metadata/database.ts';
import type { Aliases } from './aliases.ts';
import type { Layers } from './layers.ts';
import type { LayerTransfers } from './pull/layer-transfers.ts';
import type { Pushes } from './push/pushes.ts';
import type { References } from './references.ts';

/** What the graph needs of the rest of the engine. */
export interface GraphOptions {
  db: Database;
  content: ContentStore;
  driver: GraphDriver;
  /** Containers that were made from the image. Called inside a change: it must not wait for the graph. */
  users?: (imageId: Digest) => readonly ImageUser[];
  /** Whether the root of any container stands on the layer. */
  usedByContainer?: (diffId: Digest) => boolean;
  onEvent?: (event: ImageEvent) => void;
  /** What went wrong without failing anything, for the log. */
  warn?: (message: string) => void;
  /** ns since 1970. */
  now?: () => bigint;
  /** Layers that come from registries at a time; default 3. */
  maxDownloads?: number;
  /** Layers that were pulled are kept as they came, too, so that a push sends the same bytes; default false. */
  keepCompressed?: boolean;
  /** Layers that go to registries at a time; default 5. */
  maxUploads?: number;
}

export interface ImageUser {
  containerId: string;
  running: boolean;
}

export interface ImageEvent {
  action: 'load' | 'pull' | 'push' | 'save' | 'import' | 'create' | 'tag' | 'untag' | 'delete';
  /** Of a pull or push the reference, as in Docker. */
  imageId: string;
  /** What the event's `name` attribute says: the reference, or the id; of a pull or push the repository. */
  name: string;
  /** The image's labels. */
  labels: Readonly<Record<string, string>>;
}

/** A manifest or index that is kept byte for byte. */
export interface KeptManifest {
  digest: Digest;
  mediaType: string;
  /** Bytes. */
  size: number;
}

export interface ImageRecord {
  image: Image;
  /** ns since 1970; 0n = never. */
  lastTaggedAt: bigint;
  /** The image that it was made from on this engine (commit, build), or was saved with. */
  parent: Digest | undefined;
  /** The manifest and the index that it came with, if it came with any. */
  manifests: readonly KeptManifest[];
  /** Containers that are being made from it. */
  holds: number;
}

/** What the files of this folder share. Reads come from here; every change is made under `changes` and in the database first. */
export interface GraphState extends Required<GraphOptions> {
  readonly images: Map<Digest, ImageRecord>;
  /** Hex digits of the ids in `images`. */
  readonly ids: TruncIndex;
  /** Ids from before ids were digests. */
  readonly aliases: Aliases;
  /** Parent -> the images that were made from it. */
  readonly children: Map<Digest, Set<Digest>>;
  /** How many images have a manifest: one index may be of several. */
  readonly manifestUsers: Map<Digest, number>;
  readonly references: References;
  readonly layers: Layers;
  /** Layers that come from registries. */
  readonly transfers: LayerTransfers;
  readonly pushes: Pushes;
  /** One change of images and references at a time. */
  readonly changes: Mutex;
  /** For jobs that wait for slow clients: apart from the pool for short work, which they would block. */
  readonly loaders: WorkerPool;
}
