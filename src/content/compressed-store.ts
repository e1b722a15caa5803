import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, hexOf, isDigest } from '#lib/digest.ts';
import { fault } from '#lib/write-steps.ts';

/**
 * Layers as they came, compressed, in `<data-root>/content/compressed`, for an engine that is to push them again byte for
 * byte. Nothing depends on them: one that is not there is made anew.
 */
export interface CompressedStore {
  pathOf(digest: Digest): string;
  /** Takes over a file, whose digest has been verified; durable when it resolves. */
  keep(path: string, digest: Digest): Promise<void>;
  /** Bytes of each blob that is there. */
  sizes(): Promise<Map<Digest, number>>;
  /** Blobs that are not there are no error. */
  remove(digests: Iterable<Digest>): Promise<void>;
}

/** The store in `folder`, which is made when there is something to keep. */
export function openCompressedStore(folder: string): CompressedStore {
  const pathOf = (digest: Digest) => join(folder, hexOf(digest));
  return {
    pathOf,
    async keep(path, digest) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await syncPath(path);
      await rename(path, pathOf(digest));
      await syncPath(folder);
      fault('download.kept');
    },
    async sizes() {
      const names = await readdir(folder).catch(() => []);
      const digests = names.map((name) => `sha256:${name}`).filter(isDigest);
      const sized = digests.map(async (digest): Promise<[Digest, number]> => {
        const found = await stat(pathOf(digest)).catch(() => undefined);
        return [digest, found?.size ?? 0];
      });
      return new Map(await Promise.all(sized));
    },
    async remove(digests) {
      for (const digest of digests) await rm(pathOf(digest), { force: true });
    },
  };
}

async function syncPath(path: string): Promise<void> {
  const file = await open(path, 'r');
  await file.sync().finally(() => file.close());
}
