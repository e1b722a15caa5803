import { constants } from 'node:fs';
import { chmod, type FileHandle, link, lstat, lutimes, mkdir, open, readlink, rm, symlink } from 'node:fs/promises';
import { posix } from 'node:path';
import type { TarEntry } from '#archive/tar-entry.ts';
import { readTar } from '#archive/tar-stream.ts';
import { attributesRecord } from '#archive/tree-records.ts';
import { errnoCode } from '#errors/errors.ts';
import { setAttributes } from '#programs/tree.ts';
import { CommandError } from '../errors.ts';
import type { FoundTarget } from './destination.ts';
import { lookUp, refuse } from './look-up.ts';
import { absolute, linkDestination, splitEntry, toBytes, toPath } from './paths.ts';
import { makeSpecialFile } from './special-file.ts';

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

/**
 * Makes files of a tar below `folder`, each name as `rename` has it. They belong to the caller, and have the extended
 * attributes that the tar names. Throws CommandError for a
 * name that leads out of the folder or through a link, and for a folder that is to take the place of a file or the
 * reverse.
 */
export async function unpack(
  tar: AsyncIterable<Uint8Array>,
  folder: string,
  rename: (name: string) => string,
): Promise<void> {
  const root = toBytes(posix.resolve(folder));
  const folders: { path: string; entry: TarEntry }[] = [];
  const attributes: Buffer[] = [];
  const known = new Set<string>([root]);
  for await (const { entry, body } of readTar(tar)) {
    const path = pathBelow(root, rename(entry.name));
    if (entry.xattrs && path !== root) attributes.push(attributesRecord(path, entry.xattrs));
    if (path !== root) await makeFolders(root, posix.dirname(path), known);
    const kept = await makeWay(path, entry, root);
    if (entry.type === 'directory') {
      if (!kept) await mkdir(toPath(path));
      known.add(path);
      if (path !== root) folders.push({ path, entry });
      continue;
    }
    await make(path, entry, body, () => pathBelow(root, rename(entry.linkName)));
    if (entry.type !== 'link') await finish(path, entry);
  }
  for (const { path, entry } of folders.reverse()) await finish(path, entry);
  if (attributes.length > 0) await setAttributes(Buffer.concat(attributes));
}

function pathBelow(root: string, name: string): string {
  const path = posix.join(root, name).replace(/(.)\/$/, '$1');
  if (path === root || path.startsWith(root === '/' ? root : `${root}/`)) return path;
  throw new CommandError(`${JSON.stringify(name)} is outside of ${JSON.stringify(String(toPath(root)))}`);
}

/** A link on the way could lead anywhere. */
async function makeFolders(root: string, folder: string, known: Set<string>): Promise<void> {
  if (known.has(folder)) return;
  await makeFolders(root, posix.dirname(folder), known);
  const info = await lstat(toPath(folder)).catch((error: unknown) => {
    if (errnoCode(error) !== 'ENOENT') throw error;
  });
  if (!info) await mkdir(toPath(folder), { mode: 0o777 });
  else if (!info.isDirectory()) throw new CommandError(`${toPath(folder)} is no folder: nothing is written through it`);
  known.add(folder);
}

/** Gives true when a folder is there and stays. */
async function makeWay(path: string, { type }: TarEntry, root: string): Promise<boolean> {
  const info = await lstat(toPath(path)).catch((error: unknown) => {
    if (errnoCode(error) !== 'ENOENT') throw error;
  });
  if (!info) return false;
  const [there, wanted] = [path, root].map((bytes) => JSON.stringify(String(toPath(bytes))));
  if (info.isDirectory()) {
    if (type === 'directory') return true;
    throw new CommandError(`cannot overwrite directory ${there} with non-directory ${wanted}`);
  }
  if (type === 'directory') throw new CommandError(`cannot overwrite non-directory ${there} with directory ${wanted}`);
  await rm(toPath(path));
  return false;
}

async function make(
  path: string,
  entry: TarEntry,
  body: AsyncIterable<Buffer>,
  linkTarget: () => string,
): Promise<void> {
  if (entry.type === 'file') await writeFile(path, entry, body);
  else if (entry.type === 'symlink') await symlink(toPath(entry.linkName), toPath(path));
  else if (entry.type === 'link') await link(toPath(linkTarget()), toPath(path));
  else await makeSpecialFile(path, entry);
}

async function writeFile(path: string, entry: TarEntry, body: AsyncIterable<Buffer>): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  await using file = await open(toPath(path), flags, entry.mode & 0o700);
  if (entry.segments) return writeSparse(file, entry, body);
  for await (const piece of body) await file.writeFile(piece);
}

async function writeSparse(file: FileHandle, entry: TarEntry, body: AsyncIterable<Buffer>): Promise<void> {
  const segments = entry.segments!.map((segment) => ({ ...segment })).filter(({ length }) => length > 0);
  for await (let piece of body) {
    while (piece.length > 0) {
      const segment = segments[0]!;
      const part = piece.subarray(0, segment.length);
      for (let at = 0; at < part.length; ) {
        at += (await file.write(part, at, part.length - at, segment.offset + at)).bytesWritten;
      }
      segment.offset += part.length;
      segment.length -= part.length;
      if (segment.length === 0) segments.shift();
      piece = piece.subarray(part.length);
    }
  }
  await file.truncate(entry.size);
}

/** Mode and time, which what comes later must not change. */
async function finish(path: string, { type, mode, mtime, mtimeNs }: TarEntry): Promise<void> {
  if (type !== 'symlink') await chmod(toPath(path), mode);
  const time = mtime + mtimeNs / 1e9;
  await lutimes(toPath(path), time, time);
}
