/** An ext4 file system in memory: for tests that would otherwise wait for the disk at every fsync. */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '#programs/run.ts';

export interface MemoryDisk {
  path: string;
  /** Unmounts and forgets it. */
  close(): Promise<void>;
}

/** `size` bytes and `inodes` at most, mounted on a new folder whose name begins with `/var/tmp/wherry-`. */
export async function makeMemoryDisk(name: string, size = 8 * 2 ** 30, inodes = 2_000_000): Promise<MemoryDisk> {
  const path = await mkdtemp(`/var/tmp/wherry-${name}-`);
  const image = `/dev/shm/${path.slice('/var/tmp/'.length)}`;
  const file = await open(image, 'wx', 0o600);
  await file.truncate(size);
  await file.close();
  await run('mkfs.ext4', ['-q', '-O', '^has_journal', '-N', String(inodes), image]);
  await run('mount', ['-o', 'loop', image, path]);
  await rm(join(path, 'lost+found'), { recursive: true });
  return {
    path,
    async close() {
      await run('umount', [path]);
      await rm(path, { recursive: true });
      await rm(image);
    },
  };
}
