import { lstat, readlink } from 'node:fs/promises';
import { posix } from 'node:path';
import type { TarType } from '#archive/tar-entry.ts';
import { treeRecords } from '#archive/tree-records.ts';
import { errnoCode } from '#errors/errors.ts';
import type { Receivable } from '#lib/client-socket.ts';
import { startUnpacker, type Unpacker } from '#programs/tree-here.ts';
import { CommandError } from '../errors.ts';
import type { FoundTarget } from './destination.ts';
import { lookUp, refuse } from './look-up.ts';
import { absolute, linkDestination, splitEntry } from './paths.ts';

/** Bytes that the program reads at once while somebody looks on. */
const LOOKED_AT = 16 << 20;
/** Links at a target that are followed. */
const LINK_LIMIT = 10;

/** What is at a path here, the last link followed. Throws CommandError when not even its folder is there. */
export async function findTarget(given: string): Promise<FoundTarget> {
  let path = absolute(given);
  for (let links = 0; ; links++) {
    const info = await lstat(path).catch((error: unknown) => {
      if (errnoCode(error) !== 'ENOENT') refuse(path, error);
    });
    if (info?.isSymbolicLink()) {
      if (links > LINK_LIMIT) throw new CommandError(`too many symlinks in ${given}`);
      path = linkDestination(path, await readlink(path.replace(/(.)\/\.?$/, '$1')));
      continue;
    }
    if (info) return { path, is: info.isDirectory() ? 'folder' : 'file' };
    const { folder } = splitEntry(path);
    if (!(await lookUp(`${folder}/`)).isDirectory()) throw new CommandError('not a directory');
    return { path };
  }
}

export interface UnpackOptions {
  /** Makes the files; else one is started. */
  unpacker?: Unpacker;
  /** Changes the names in the tar. */
  rename: (name: string) => string;
  /** So many bytes did not come by here. */
  taken?: (bytes: number) => void;
  /** `taken` is called often enough for somebody who looks on. */
  live?: boolean;
}

/**
 * Makes files of a tar below `folder`. They belong to the caller, and have the extended attributes that the tar names. Throws
 * CommandError or `invalid` for a name that leads out of the folder or through a link, and for a folder that is to take the place of a file or
 * the reverse; `system` for what fails.
 */
export async function unpack(
  tar: Receivable,
  folder: string,
  { rename, unpacker = startUnpacker(tar), taken = () => {}, live = false }: UnpackOptions,
): Promise<void> {
  const base = posix.resolve(folder);
  const isLink = (await lstat(base)).isSymbolicLink();
  const onItself = (type: TarType) => {
    const text = JSON.stringify(base);
    if (type !== 'directory') throw new CommandError(`cannot overwrite directory ${text} with non-directory ${text}`);
    if (isLink) throw new CommandError(`cannot overwrite non-directory ${text} with directory ${text}`);
  };
  const records = treeRecords(tar, { base, rename, onItself, client: tar, most: live ? LOOKED_AT : Infinity });
  await unpacker.unpack(base, counted(records, taken));
}

async function* counted(
  records: ReturnType<typeof treeRecords>,
  taken: (bytes: number) => void,
): ReturnType<typeof treeRecords> {
  for await (const record of records) {
    if (!Buffer.isBuffer(record)) {
      const { taken: told } = record;
      record.taken = (length) => {
        taken(length);
        told(length);
      };
    }
    yield record;
  }
}
