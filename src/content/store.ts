import { randomBytes } from 'node:crypto';
import { access, type FileHandle, mkdir, open, opendir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoCode, notFound, system } from '#errors/errors.ts';
import { type Digest, digestOf, hexOf, isDigest } from '#lib/digest.ts';
import { syncFolder } from '#lib/durable-file.ts';
import { moveToQuarantine } from '#lib/quarantine.ts';
import { runInWorker } from '#lib/worker-pool.ts';
import { fault } from '#lib/write-steps.ts';
import { type IngestedBlob, writeError } from './blob-writer.ts';
import { type CompressedStore, openCompressedStore } from './compressed-store.ts';
import { partialBlobPath } from './partial-blob.ts';

const VERIFY = new URL('./verify-blob.ts', import.meta.url);

/** Immutable blobs by digest: layer tars (by diffID), image configs, manifests. */
export interface ContentStore {
  /** Where a blob lies once it is there: `<data-root>/content/sha256/<hex>`. */
  pathOf(digest: Digest): string;
  /** A new folder on the same file system, where blobs are made before `commit`. */
  beginIngest(): Promise<string>;
  /**
   * The folder in which the blob `digest` comes together that is downloaded, made or found again: it outlives the engine.
   * For one user at a time.
   */
  beginDownload(digest: Digest): Promise<string>;
  endDownload(digest: Digest): Promise<void>;
  /** The same, but the blob, which is complete, is kept, if it is there. */
  keepDownload(digest: Digest): Promise<void>;
  /** Layers as they came. */
  readonly compressed: CompressedStore;
  /** Removes such a folder with all that was not committed. */
  endIngest(folder: string): Promise<void>;
  /** Moves finished blobs into the store; durable when it resolves. One that is there already is dropped. */
  commit(blobs: readonly IngestedBlob[]): Promise<void>;
  /** Stores bytes at hand (small ones: configs, manifests); durable when it resolves. */
  write(...blobs: Uint8Array[]): Promise<Digest[]>;
  /** A whole blob, verified. Throws `not-found`, or `system` (code `BLOB_CORRUPT`) when its bytes have changed. */
  read(digest: Digest): Promise<Buffer>;
  /** A blob for reading; the caller closes it. Throws `not-found`. */
  open(digest: Digest): Promise<FileHandle>;
  has(digest: Digest): Promise<boolean>;
  /**
   * Hashes a blob of any size in a worker. Gives its true length in bytes, without padding; undefined when its bytes are
   * not those of the digest. Throws `not-found`, and `cancelled` when `signal` fires.
   */
  verify(digest: Digest, signal?: AbortSignal): Promise<number | undefined>;
  /** Bytes on the disk, padding included. Throws `not-found`. */
  size(digest: Digest): Promise<number>;
  /** Blobs that are not there are no error. */
  remove(digests: Iterable<Digest>): Promise<void>;
  list(): AsyncIterable<Digest>;
  /** Moves a blob out of the store to `<dataRoot>/quarantine`; gives its new place, undefined if it was not there. */
  putAside(digest: Digest): Promise<string | undefined>;
  /**
   * Removes what an earlier engine had left in the ingest folder when this one opened it. Downloads stay for a week, but for
   * those of blobs that are `done`.
   */
  sweepIngests(done?: (digest: Digest) => boolean): Promise<void>;
}

/** Names of folders that `beginDownload` made; other ingest folders have random hex digits. */
const DOWNLOAD = 'download-';
/** ms after which a download that nobody has gone on with is given up. */
const KEEP_DOWNLOADS = 7 * 24 * 3600_000;

/** Opens the store below `<dataRoot>/content`, making its folders. */
export async function openContentStore(dataRoot: string): Promise<ContentStore> {
  const blobs = join(dataRoot, 'content', 'sha256');
  const ingests = join(dataRoot, 'content', 'ingest');
  const compressed = openCompressedStore(join(dataRoot, 'content', 'compressed'));
  await mkdir(blobs, { recursive: true, mode: 0o711 });
  await mkdir(ingests, { recursive: true, mode: 0o700 });
  const pathOf = (digest: Digest) => join(blobs, hexOf(digest));
  const left = await readdir(ingests);

  const beginIngest = async () => {
    const folder = join(ingests, randomBytes(8).toString('hex'));
    await mkdir(folder, { mode: 0o700 });
    return folder;
  };
  const downloadFolder = (digest: Digest) => join(ingests, `${DOWNLOAD}${hexOf(digest)}`);
  const beginDownload = async (digest: Digest) => {
    const folder = downloadFolder(digest);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    fault('download.folder');
    return folder;
  };
  // A worker that was stopped may be writing its last file just now.
  const endIngest = (folder: string) => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });

  const endDownload = async (digest: Digest) => {
    await endIngest(downloadFolder(digest));
    fault('download.done');
  };
  const commit = async (ingested: readonly IngestedBlob[]) => {
    for (const { path, digest } of ingested) {
      if (await exists(pathOf(digest))) await rm(path, { force: true });
      else await rename(path, pathOf(digest));
      fault('blob.rename');
    }
    await syncFolder(blobs);
    fault('blob.directory-fsync');
  };

  const write = async (...contents: Uint8Array[]) => {
    const folder = await beginIngest();
    try {
      const written = await Promise.all(contents.map((bytes, index) => writeDurably(join(folder, `${index}`), bytes)));
      await commit(written);
      return written.map(({ digest }) => digest);
    } finally {
      await endIngest(folder);
    }
  };

  const read = async (digest: Digest) => {
    const bytes = await readFile(pathOf(digest)).catch((error) => rethrowMissing(error, digest));
    if (digestOf(bytes) === digest) return bytes;
    throw system(`the blob ${digest} in ${blobs} is damaged: its bytes have another digest`, {
      code: 'BLOB_CORRUPT',
      hint: 'remove the image and load it again',
    });
  };

  return {
    pathOf,
    beginIngest,
    beginDownload,
    endDownload,
    keepDownload: async (digest) => {
      const path = partialBlobPath(downloadFolder(digest));
      if (await exists(path)) await compressed.keep(path, digest);
      await endDownload(digest);
    },
    compressed,
    endIngest,
    commit,
    write,
    read,
    open: (digest) => open(pathOf(digest), 'r').catch((error) => rethrowMissing(error, digest)),
    has: (digest) => exists(pathOf(digest)),
    size: async (digest) => (await stat(pathOf(digest)).catch((error) => rethrowMissing(error, digest))).size,
    verify: async (digest, signal) => {
      if (!(await exists(pathOf(digest)))) throw missing(digest);
      return runInWorker<number | undefined>(VERIFY, { path: pathOf(digest), digest }, { signal });
    },
    putAside: (digest) => moveToQuarantine(dataRoot, pathOf(digest), `blob-${hexOf(digest)}`),
    remove: async (digests) => {
      for (const digest of digests) await rm(pathOf(digest), { force: true });
    },
    list: () => listDigests(blobs),
    sweepIngests: async (done = () => false) => {
      for (const name of left.splice(0)) {
        const folder = join(ingests, name);
        const download = downloadOf(name);
        if (!download || done(download) || (await isStale(folder))) await endIngest(folder);
      }
    },
  };
}

/** The blob that a folder of `beginDownload` is for. */
function downloadOf(name: string): Digest | undefined {
  const digest = `sha256:${name.slice(DOWNLOAD.length)}`;
  return name.startsWith(DOWNLOAD) && isDigest(digest) ? digest : undefined;
}

/** By the last file that was made in it, and its own time where there is none. */
async function isStale(folder: string): Promise<boolean> {
  const names = await readdir(folder);
  const times = await Promise.all([folder, ...names.map((name) => join(folder, name))].map((path) => stat(path)));
  return Date.now() - Math.max(...times.map(({ mtimeMs }) => mtimeMs)) > KEEP_DOWNLOADS;
}

async function* listDigests(folder: string): AsyncGenerator<Digest> {
  for await (const entry of await opendir(folder, { bufferSize: 1024 })) {
    const digest = `sha256:${entry.name}`;
    if (isDigest(digest)) yield digest;
  }
}

/** For small contents: it hashes on the calling thread. */
async function writeDurably(path: string, bytes: Uint8Array): Promise<IngestedBlob> {
  const file = await open(path, 'wx', 0o400);
  try {
    fault('blob.create');
    await file.writeFile(bytes);
    fault('blob.write');
    await file.sync();
    fault('blob.fsync');
  } catch (error) {
    throw writeError(path, error);
  } finally {
    await file.close();
  }
  return { path, digest: digestOf(bytes), size: bytes.length };
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function rethrowMissing(error: unknown, digest: Digest): never {
  if (errnoCode(error) === 'ENOENT') throw missing(digest, error);
  throw error;
}

function missing(digest: Digest, cause?: unknown): Error {
  return notFound(`no blob ${digest} in the content store`, { cause });
}
