import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, errnoCode } from '#errors/errors.ts';
import { runInWorker } from '#lib/worker-pool.ts';
import type { CdiFile } from './cdi-file.ts';

/** All devices that are there at one moment. */
export interface CdiDevices {
  /** `vendor.com/class=name` -> its file. */
  devices: ReadonlyMap<string, CdiFile>;
  /** What is wrong with files, one line each: broken ones, and devices that two files of a folder name. */
  problems: string[];
}

const READ_FILE = new URL('./read-file.ts', import.meta.url);

interface Known {
  /** Of the file that was read: modification time and size. */
  stamp: string;
  content: CdiFile | { problem: string };
}

/** The files of devices in some folders, as they are whenever they are asked for. */
export class CdiLibrary {
  readonly folders: readonly string[];
  readonly #known = new Map<string, Known>();

  constructor(folders: readonly string[]) {
    this.folders = folders;
  }

  async read(): Promise<CdiDevices> {
    const devices = new Map<string, CdiFile>();
    const problems: string[] = [];
    for (const folder of this.folders) {
      const files = await Promise.all(
        (await specFiles(folder)).map(async (path) => [path, await this.#file(path)] as const),
      );
      const here = new Map<string, { path: string; file: CdiFile }>();
      const twice = new Set<string>();
      for (const [path, content] of files) {
        if (content === undefined) continue;
        if ('problem' in content) {
          problems.push(`${path}: ${content.problem}`);
          continue;
        }
        for (const { name } of content.devices) {
          const id = `${content.kind}=${name}`;
          const other = here.get(id);
          if (other) problems.push(`${id} is in ${other.path} and in ${path}`);
          if (other) twice.add(id);
          here.set(id, { path, file: content });
        }
      }
      for (const [id, { file }] of here) {
        if (twice.has(id)) devices.delete(id);
        else devices.set(id, file);
      }
    }
    return { devices, problems };
  }

  /** Undefined for a file that has gone meanwhile. */
  async #file(path: string): Promise<Known['content'] | undefined> {
    const stats = await stat(path, { bigint: true }).catch(() => undefined);
    if (!stats?.isFile()) return undefined;
    const stamp = `${stats.mtimeNs} ${stats.size} ${stats.ino}`;
    const known = this.#known.get(path);
    if (known?.stamp === stamp) return known.content;
    const content = await runInWorker<CdiFile>(READ_FILE, path).catch((error) => ({ problem: describe(error) }));
    this.#known.set(path, { stamp, content });
    return content;
  }
}

async function specFiles(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder))
      .filter((name) => /\.(json|ya?ml)$/.test(name))
      .sort()
      .map((name) => join(folder, name));
  } catch (error) {
    if (errnoCode(error) === 'ENOENT' || errnoCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}
