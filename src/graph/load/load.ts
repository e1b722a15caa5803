import { MessageChannel } from 'node:worker_threads';
import type { OciPlatform, ProgressMessage } from '#api/types/image.ts';
import { invalid, isEngineError } from '#errors/errors.ts';
import { makeImage } from '#image/image.ts';
import { HOST_PLATFORM } from '#image/platform.ts';
import { type Digest, shortId } from '#lib/digest.ts';
import { Semaphore } from '#lib/locks.ts';
import { familiarReference, parseReference } from '#lib/reference.ts';
import { settleAll } from '#lib/settle-all.ts';
import { feedWorker } from '../feed-worker.ts';
import type { LayerBlob } from '../layer-blob.ts';
import { type NewImage, publish, registerImages } from '../register.ts';
import type { GraphState } from '../state.ts';
import type { LoadAnswer, LoadedImage, LoadedLayer, LoadInput, LoadNote } from './load-worker.ts';

export interface LoadOptions {
  /** No progress messages. */
  quiet?: boolean;
  /** Only images for these, the best first; default: this machine's where there is a choice. */
  platforms?: readonly OciPlatform[];
  signal?: AbortSignal;
}

const WORKER = new URL('./load-worker.ts', import.meta.url);

/** Layers of one load that are made mountable at a time. */
const AT_A_TIME = 16;

/** Media types of compressed layers, for the manifests of a later push. */
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  gzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  zstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
};

/**
 * Loads the images of an archive (docker save or OCI layout, plain or compressed) in one pass. A worker parses, hashes
 * and writes; each layer is indexed while the archive goes on; all images become known in one transaction at the end.
 * Progress goes to `emit`. Throws `invalid` for a bad archive, `cancelled` when `signal` fires; nothing is left then.
 */
export async function loadImages(
  state: GraphState,
  archive: AsyncIterable<Uint8Array>,
  options: LoadOptions,
  emit: (message: ProgressMessage) => void,
): Promise<void> {
  const folder = await state.content.beginIngest();
  const preparation = await state.driver.beginPreparing();
  const layers = new LoadLayers(state, options.quiet ? () => {} : emit);
  try {
    const images = await readArchive(state, archive, { folder, preparation }, layers, options);
    await settleAll(images.flatMap(({ layers: needed }) => needed.map((layer) => layers.provide(layer))));
    await keepImages(state, images, emit);
  } finally {
    await layers.release();
    if (preparation) await state.driver.endPreparing(preparation);
    await state.content.endIngest(folder);
  }
}

/** Feeds the worker and gives what it found. */
async function readArchive(
  state: GraphState,
  archive: AsyncIterable<Uint8Array>,
  places: Pick<LoadInput, 'folder' | 'preparation'>,
  layers: LoadLayers,
  { platforms = [], signal }: LoadOptions,
): Promise<LoadedImage[]> {
  const control = new MessageChannel();
  control.port1.on('message', (note: LoadNote) => {
    if ('ask' in note) control.port1.postMessage({ diffId: layers.claim(note.ask) } satisfies LoadAnswer);
    else layers.begin(note.blob);
  });
  const input: Omit<LoadInput, 'chunks'> = {
    control: control.port2,
    ...places,
    platforms: platforms.length > 0 ? platforms : [HOST_PLATFORM],
    onlyPlatforms: platforms.length > 0,
  };
  try {
    return await feedWorker(state.loaders, WORKER, input, archive, { transfer: [control.port2], signal });
  } finally {
    control.port1.close();
  }
}

async function keepImages(
  state: GraphState,
  loaded: readonly LoadedImage[],
  emit: (message: ProgressMessage) => void,
): Promise<void> {
  const images = loaded.map((image) => toNewImage(state, image));
  const blobs = loaded.flatMap(({ config, manifests }) => [config, ...manifests.map(({ bytes }) => bytes)]);
  await state.changes.run(async () => {
    await state.content.write(...blobs.map((bytes) => Buffer.from(bytes)));
    const renamed = await registerImages(state, images);
    for (const { reference, from } of renamed) {
      const name = familiarReference(reference);
      emit({ stream: `The image ${name} already exists, renaming the old one with ID ${from} to empty string\n` });
    }
    for (const { image } of images) publish(state, 'load', image, image.id);
  });
  const parents = new Set(images.map(({ parent }) => parent));
  for (const { image, references } of images) {
    for (const reference of references) emit({ stream: `Loaded image: ${familiarReference(reference)}\n` });
    if (references.length === 0 && !parents.has(image.id)) emit({ stream: `Loaded image ID: ${image.id}\n` });
  }
}

function toNewImage(state: GraphState, loaded: LoadedImage): NewImage {
  const { id, config, layers, references, manifests, parent, aliases = [] } = loaded;
  const sources = layers.flatMap(({ diffId, blob }) => {
    const mediaType = blob && MEDIA_TYPES[blob.source.compression];
    return mediaType ? [{ digest: blob.source.digest, mediaType, size: blob.source.size, diffId }] : [];
  });
  return {
    image: makeImage(id, Buffer.from(config), state.layers.nameAndSize),
    references: references.map(parseReference),
    manifests: manifests.map(({ digest, mediaType, bytes }) => ({ digest, mediaType, size: bytes.length })),
    sources,
    parent,
    aliases,
  };
}

/** What is wrong inside a layer, with the layer's name. */
function throwNamed(diffId: Digest, error: unknown): never {
  if (!isEngineError(error, 'invalid')) throw error;
  throw invalid(`layer ${diffId}: ${error.message}`, { code: error.code, hint: error.hint, cause: error });
}

/** The layers that one load brings or needs: each is pinned from its first mention until `release`. */
class LoadLayers {
  readonly #state: GraphState;
  readonly #emit: (message: ProgressMessage) => void;
  readonly #pinned: Digest[] = [];
  readonly #begun = new Map<Digest, Promise<void>>();
  readonly #turns = new Semaphore(AT_A_TIME);

  constructor(state: GraphState, emit: (message: ProgressMessage) => void) {
    this.#state = state;
    this.#emit = emit;
  }

  /** The layer behind a blob's digest, if the engine has it; it stays then. */
  claim(digest: Digest): Digest | undefined {
    const diffId = this.#state.layers.pinKnown(digest);
    if (diffId) this.#pinned.push(diffId);
    return diffId;
  }

  /** Starts to index what looks like a layer. Whether that failed matters only when an image turns out to need it. */
  begin(blob: LayerBlob): void {
    this.#begin(blob.digest, blob).catch(() => {});
  }

  async provide({ diffId, blob }: LoadedLayer): Promise<void> {
    await this.#begin(diffId, blob);
  }

  /** Waits for what was begun, then lets go of all: what no image has taken is removed. */
  async release(): Promise<void> {
    await Promise.allSettled(this.#begun.values());
    await this.#state.layers.unpin(this.#pinned);
  }

  #begin(diffId: Digest, blob: LayerBlob | undefined): Promise<void> {
    let begun = this.#begun.get(diffId);
    if (!begun) {
      this.#state.layers.pin(diffId);
      this.#pinned.push(diffId);
      begun = this.#turns.run(() => this.#provide(diffId, blob));
      this.#begun.set(diffId, begun);
    }
    return begun;
  }

  async #provide(diffId: Digest, blob: LayerBlob | undefined): Promise<void> {
    const isNew = !this.#state.layers.info(diffId);
    const { size } = await this.#state.layers.provide(diffId, blob).catch((error) => throwNamed(diffId, error));
    if (!isNew) return;
    this.#emit({ status: 'Loading layer', progressDetail: { current: size, total: size }, id: shortId(diffId) });
  }
}
