/** Indexes a tar and mounts it for a test, without a driver and without a launcher. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LayerStat } from '#graphdriver/driver.ts';
import { run as indexLayer } from '#graphdriver/erofs/index-layer.ts';

export interface IndexedLayer {
  diffId: string;
  tarPath: string;
  indexPath: string;
  stat: LayerStat;
  /** The index's bytes. */
  image: Buffer;
}

/** A folder for the layers of one test file; `close` deletes it. */
export class LayerBench {
  readonly folder = mkdtempSync(join(tmpdir(), 'wherry-erofs-'));
  #count = 0;

  /** Writes `tar` (bytes, or a function that writes the file itself) and indexes it. */
  index(tar: Buffer | ((path: string) => void)): IndexedLayer {
    const tarPath = join(this.folder, `${++this.#count}.tar`);
    if (Buffer.isBuffer(tar)) writeFileSync(tarPath, tar);
    else tar(tarPath);
    const bytes = Buffer.isBuffer(tar) ? tar : Buffer.from(tarPath);
    const size = Buffer.isBuffer(tar) ? tar.length : Number(execFileSync('stat', ['-c', '%s', tarPath]));
    truncateSync(tarPath, Math.ceil(size / 512) * 512);
    const indexPath = join(this.folder, `${this.#count}.erofs`);
    const diffId = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    const stat = indexLayer({ diffId, tarPath, size, path: indexPath });
    return { diffId, tarPath, indexPath, stat, image: readFileSync(indexPath) };
  }

  /** Mounts the layer for the time of `use`. */
  async mounted<T>(
    { tarPath, indexPath }: Pick<IndexedLayer, 'tarPath' | 'indexPath'>,
    use: (path: string) => T | Promise<T>,
  ): Promise<T> {
    const target = join(this.folder, `mnt${++this.#count}`);
    mkdirSync(target);
    execFileSync('mount', ['-t', 'erofs', '-o', `ro,device=${tarPath}`, indexPath, target], { stdio: 'pipe' });
    try {
      return await use(target);
    } finally {
      execFileSync('umount', [target]);
    }
  }

  /**
   * fsck.erofs over everything, file content included; throws what it says. It gets a copy without the checksum
   * feature: fsck.erofs 1.8 takes the length of the checked area as `block size - 1024` and crashes on 512.
   */
  fsck({ tarPath, indexPath }: Pick<IndexedLayer, 'tarPath' | 'indexPath'>): void {
    const copy = `${indexPath}.fsck`;
    copyFileSync(indexPath, copy);
    execFileSync('chmod', ['600', copy]);
    const file = openSync(copy, 'r+');
    writeSync(file, Buffer.from([0x02]), 0, 1, 1024 + 8);
    closeSync(file);
    execFileSync('fsck.erofs', ['-d1', `--device=${tarPath}`, '--extract', copy], { stdio: 'pipe' });
    rmSync(copy);
  }

  /** Deletes what `index` made. */
  forget({ tarPath, indexPath }: Pick<IndexedLayer, 'tarPath' | 'indexPath'>): void {
    for (const path of [tarPath, indexPath]) rmSync(path);
  }

  close(): void {
    rmSync(this.folder, { recursive: true });
  }
}
