import { join, posix } from 'node:path';
import type { MessagePort } from 'node:worker_threads';
import type { OciPlatform } from '#api/types/image.ts';
import { decompress, detectCompression, MAGIC_LENGTH } from '#archive/compression.ts';
import type { TarEntry } from '#archive/tar-entry.ts';
import { readTar } from '#archive/tar-stream.ts';
import { invalid, isEngineError } from '#errors/errors.ts';
import type { Preparation } from '#graphdriver/driver.ts';
import { receiveChunks } from '#lib/chunk-channel.ts';
import { type Digest, digestOf, isDigest } from '#lib/digest.ts';
import { Semaphore } from '#lib/locks.ts';
import { peek } from '#lib/peek.ts';
import { settleAll } from '#lib/settle-all.ts';
import { type LayerBlob, writeLayer } from '../layer-blob.ts';
import type { ArchiveImage, ArchiveLayer } from './archive-image.ts';
import { findImages } from './archive-images.ts';
import { linkTarget, type Member, Members, memberName } from './archive-members.ts';

export interface LoadInput {
  /** The archive, by `sendChunks`. */
  chunks: MessagePort;
  /** LoadNote to the engine, LoadAnswer back. */
  control: MessagePort;
  /** An ingest folder of the content store, for this load alone. */
  folder: string;
  platforms: readonly OciPlatform[];
  /** Images for other platforms are left out. */
  onlyPlatforms: boolean;
  preparation?: Preparation;
}

/** `blob`: a layer may already be indexed while the archive goes on. `ask`: is there a layer for this blob? */
export type LoadNote = { blob: LayerBlob } | { ask: Digest };
export interface LoadAnswer {
  diffId?: Digest;
}

/** An image of the archive, verified: every layer's tar has the diffID that the config says. */
export interface LoadedImage extends Omit<ArchiveImage, 'layers'> {
  layers: LoadedLayer[];
}

export interface LoadedLayer {
  diffId: Digest;
  /** Absent for a layer that the engine has said it has. */
  blob?: LayerBlob;
}

/** Members up to this size stay in memory, whatever they are, unless their name says that they are layers. */
const SMALL = 16 << 10;
/** So do larger ones up to this size, when they look like JSON. */
const MAX_JSON = 4 << 20;
/** All that stays in memory together. */
const MAX_HELD = 64 << 20;
/** Blobs on their way to the disk while the archive goes on. */
const MAX_UNSYNCED = 4;
/** Small layers written at a time. */
const MAX_SMALL_WRITES = 16;

const BLOB_NAME = /^blobs\/sha256\/([0-9a-f]{64})$/;

/** Reads an image archive in one pass and gives its images, their layers written to the ingest folder. */
export async function run(input: LoadInput): Promise<LoadedImage[]> {
  try {
    return await new ArchiveReader(input).read();
  } catch (error) {
    if (!isEngineError(error, 'invalid') || error.code !== 'TAR_INVALID') throw error;
    throw invalid(`invalid archive: ${error.message}`, { code: 'ARCHIVE_INVALID', hint: error.hint, cause: error });
  } finally {
    input.control.close();
  }
}

class ArchiveReader {
  readonly #input: LoadInput;
  readonly #members = new Members();
  readonly #unsynced = new Set<Promise<void>>();
  readonly #writes = new Semaphore(MAX_SMALL_WRITES);
  readonly #smallLayers = new Map<Digest, Promise<LayerBlob>>();
  #held = 0;
  #files = 0;

  constructor(input: LoadInput) {
    this.#input = input;
  }

  async read(): Promise<LoadedImage[]> {
    const archive = await peek(receiveChunks(this.#input.chunks), MAGIC_LENGTH);
    const compression = detectCompression(archive.head);
    const plain = compression === 'none' ? archive.all : decompress(archive.all, compression);
    try {
      for await (const { entry, body } of readTar(plain)) await this.#take(entry, body);
    } finally {
      await Promise.allSettled(this.#unsynced);
    }
    await Promise.all(this.#unsynced);
    const { platforms, onlyPlatforms } = this.#input;
    const images = findImages(this.#members, platforms, onlyPlatforms);
    return settleAll(images.map((image) => this.#verify(image)));
  }

  async #take(entry: TarEntry, body: AsyncIterable<Buffer>): Promise<void> {
    const name = memberName(utf8(entry.name));
    if (entry.type === 'symlink' || entry.type === 'link') {
      this.#members.set(name, { kind: 'link', target: linkTarget(name, utf8(entry.linkName), entry.type) });
    } else if (entry.type === 'file') {
      if (entry.segments)
        throw invalid(`invalid archive: "${name}" is stored as a sparse file`, { code: 'ARCHIVE_INVALID' });
      await this.#takeFile(name, entry.dataSize, body);
    }
  }

  async #takeFile(name: string, size: number, body: AsyncIterable<Buffer>): Promise<void> {
    if (size <= SMALL && posix.basename(name) !== 'layer.tar') return this.#hold(name, body, size);
    const digest: unknown = BLOB_NAME.test(name) && name.replace(BLOB_NAME, 'sha256:$1');
    const known = isDigest(digest) && (await this.#ask(digest));
    if (known) return this.#members.set(name, { kind: 'known', digest, diffId: known });
    const { head, all } = await peek(body, 1);
    if (size <= MAX_JSON && (head[0] === 0x7b || head[0] === 0x5b)) return this.#hold(name, all, size);
    await this.#store(name, all);
  }

  async #hold(name: string, body: AsyncIterable<Buffer>, size: number): Promise<void> {
    this.#held += size;
    if (this.#held > MAX_HELD) {
      throw invalid(`invalid archive: its small members have more than ${MAX_HELD} bytes`, { code: 'ARCHIVE_INVALID' });
    }
    const bytes = Buffer.concat(await Array.fromAsync(copies(body)));
    this.#members.set(name, { kind: 'bytes', bytes, digest: digestOf(bytes) });
  }

  async #store(name: string, body: AsyncIterable<Buffer>): Promise<void> {
    const { durable } = await writeLayer(body, this.#newPath(), this.#input);
    const stored = durable.then((blob) => {
      this.#members.set(name, { kind: 'blob', blob });
      if (blob.isTar) this.#note({ blob });
    });
    this.#unsynced.add(stored);
    // A failure is kept in the set and thrown at the end of the archive.
    stored.then(
      () => this.#unsynced.delete(stored),
      () => {},
    );
    if (this.#unsynced.size >= MAX_UNSYNCED) await Promise.race(this.#unsynced);
  }

  async #verify(image: ArchiveImage): Promise<LoadedImage> {
    return { ...image, layers: await settleAll(image.layers.map((layer) => this.#verifyLayer(layer, image))) };
  }

  async #verifyLayer({ diffId, name, member, expected }: ArchiveLayer, image: ArchiveImage): Promise<LoadedLayer> {
    const blob = await this.#layerBlob(member);
    const source = member.kind === 'known' ? member.digest : blob!.source.digest;
    if (expected && source !== expected) throw mismatch(name, source, expected);
    const actual = member.kind === 'known' ? member.diffId : blob!.digest;
    if (actual === diffId) return blob ? { diffId, blob } : { diffId };
    throw invalid(
      `invalid archive: layer "${name}" of image ${image.id} has the diffID ${actual}, its config says ${diffId}`,
      {
        code: 'DIGEST_MISMATCH',
      },
    );
  }

  /** The layer on disk. A small one is written only now that it is known to be a layer, once for all images that have it. */
  async #layerBlob(member: Exclude<Member, { kind: 'link' }>): Promise<LayerBlob | undefined> {
    if (member.kind === 'known') return undefined;
    if (member.kind === 'blob') return member.blob;
    let written = this.#smallLayers.get(member.digest);
    if (!written) {
      written = this.#writes.run(() => this.#writeSmall(member.bytes));
      this.#smallLayers.set(member.digest, written);
    }
    return written;
  }

  async #writeSmall(bytes: Buffer): Promise<LayerBlob> {
    const { durable } = await writeLayer(once(bytes), this.#newPath(), this.#input);
    return durable;
  }

  #newPath(): string {
    return join(this.#input.folder, String(this.#files++));
  }

  #note(note: LoadNote): void {
    this.#input.control.postMessage(note);
  }

  #ask(digest: Digest): Promise<Digest | undefined> {
    const answer = new Promise<Digest | undefined>((resolve) => {
      this.#input.control.once('message', ({ diffId }: LoadAnswer) => resolve(diffId));
    });
    this.#note({ ask: digest });
    return answer;
  }
}

function mismatch(name: string, actual: Digest, expected: Digest): Error {
  return invalid(`invalid archive: "${name}" has the digest ${actual}, its manifest says ${expected}`, {
    code: 'DIGEST_MISMATCH',
  });
}

/** The received buffers are used again; what is kept or worked on later needs bytes of its own. */
async function* copies(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  for await (const chunk of chunks) yield Buffer.from(chunk);
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer, void, void> {
  yield bytes;
}

const utf8 = (name: string) => Buffer.from(name, 'latin1').toString('utf8');
