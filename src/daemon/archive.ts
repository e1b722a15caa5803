import { readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import type { ContainerPathStat } from '#api/types/container.ts';
import { decompress, detectCompression, MAGIC_LENGTH } from '#archive/compression.ts';
import { treeRecords } from '#archive/tree-records.ts';
import type { Container } from '#container/container.ts';
import { eventAttributes } from '#container/description.ts';
import { forbidden, invalid, isEngineError, notFound } from '#errors/errors.ts';
import type { Receivable, Sendable } from '#lib/client-socket.ts';
import { goFileMode } from '#lib/go-file-mode.ts';
import { peek } from '#lib/peek.ts';
import { formatTime } from '#lib/time.ts';
import {
  type PackOptions,
  type PathStat,
  packView,
  statInView,
  type TreeView,
  unpackInView,
} from '#programs/tree-view.ts';
import { resolveUser } from '#runtime/spec/resolve-user.ts';
import { untilRead, withView } from './container-view.ts';
import type { Engine } from './engine.ts';

/** `HEAD /containers/{id}/archive`: what is at a path. Throws `not-found` in Docker's words. */
export async function statContainerPath(engine: Engine, id: string, path: string): Promise<ContainerPathStat> {
  const container = engine.containers.get(id);
  const absolute = absolutePath(path);
  const stat = await withView(engine, container, { volumes: true }, async (opened) => {
    await using _ = opened;
    return await statInView(engine.launcher, opened.view, absolute);
  }).catch((error) => missing(error, path, id));
  return wireStat(absolute, stat);
}

/** `GET /containers/{id}/archive`: the same with what is there as a tar, whose first name is the path's last part. */
export function readContainerPath(
  engine: Engine,
  id: string,
  path: string,
  to: PackOptions,
): Promise<PackedContainerPath> {
  return packContainerPath(engine, id, { path, action: 'archive-path' }, to);
}

interface PackedContainerPath {
  stat: ContainerPathStat;
  tar: Sendable;
}

async function packContainerPath(
  engine: Engine,
  id: string,
  { path, action }: { path: string; action: 'archive-path' | 'copy' },
  to: PackOptions,
): Promise<PackedContainerPath> {
  const container = engine.containers.get(id);
  const absolute = absolutePath(path);
  const packed = await withView(engine, container, { volumes: true }, async (opened) => {
    const { stat, tar } = await packView(opened.view, absolute, lastPart(absolute), to);
    return { stat: wireStat(absolute, stat), tar: untilRead(opened, tar) };
  }).catch((error) => missing(error, path, id));
  engine.events.publish('container', action, container.id, eventAttributes(container));
  return packed;
}

export interface WriteOptions {
  /** No folder is replaced by what is none, nor the other way round. */
  keepKinds: boolean;
  /** Everything belongs to the container's user. */
  toUser: boolean;
  signal: AbortSignal;
}

/**
 * `PUT /containers/{id}/archive`: makes what is in the archive `body`, compressed or not, below a folder of the
 * container. Throws `not-found` and `invalid` in Docker's words, `forbidden` for what is mounted read-only.
 */
export async function writeContainerPath(
  engine: Engine,
  id: string,
  path: string,
  body: Receivable,
  { keepKinds, toUser, signal }: WriteOptions,
): Promise<void> {
  const container = engine.containers.get(id);
  const absolute = absolutePath(path);
  await withView(engine, container, { volumes: true }, async (opened) => {
    await using _ = opened;
    const owner = toUser ? await userOf(engine, container, opened.view) : undefined;
    const { head, all } = await peek(body, MAGIC_LENGTH);
    const compression = detectCompression(head);
    const client = compression === 'none' ? body : undefined;
    const records = treeRecords(decompress(all, compression), { base: absolute, owner, client });
    await unpackInView(engine.launcher, opened.view, absolute, records, { keepKinds, signal, client: body });
  })
    .catch(refuseReadOnly)
    .catch((error) => missing(error, path, id));
  engine.events.publish('container', 'extract-to-dir', container.id, eventAttributes(container));
}

/**
 * `POST /containers/{id}/copy`, which clients before 1.24 used: the tar of what is at a path, the last link followed.
 */
export async function copyFromContainer(engine: Engine, id: string, path: string, to: PackOptions): Promise<Sendable> {
  if (path === '') throw invalid('Path cannot be empty');
  const { linkTarget } = await statContainerPath(engine, id, path);
  return (await packContainerPath(engine, id, { path: linkTarget || path, action: 'copy' }, to)).tar;
}

/** From the root, without `.` and `..`, but with the slash or `/.` at its end, which mean that a link is followed. */
function absolutePath(path: string): string {
  const clean = posix.join('/', path).replace(/(.)\/$/, '$1');
  if (/(^|\/)\.$/.test(path)) return clean === '/' ? '/.' : `${clean}/.`;
  return path.endsWith('/') && clean !== '/' ? `${clean}/` : clean;
}

/** As Go's path.Base: `/` for the root, `.` for a path that ends so. */
function lastPart(path: string): string {
  return path === '/' ? '/' : path.replace(/\/$/, '').replace(/^.*\//s, '');
}

function wireStat(path: string, { mode, size, mtime, linkTarget }: PathStat): ContainerPathStat {
  return { name: lastPart(path), size, mode: goFileMode(mode), mtime: formatTime(mtime), linkTarget };
}

/** The user that the container's first process has, or would have; root's is whoever the archive says. */
async function userOf(engine: Engine, container: Container, view: TreeView) {
  const { User: user } = container.record.config;
  if (user === '') return undefined;
  if (!view.process) return resolveUser(view.mounts[0]!.source, user);
  const spec = JSON.parse(await readFile(engine.paths.container(container.id).bundleConfig, 'utf8'));
  return { uid: spec.process.user.uid as number, gid: spec.process.user.gid as number };
}

function missing(error: unknown, path: string, id: string): never {
  if (!isEngineError(error) || error.code !== 'ENOENT') throw error;
  throw notFound(`Could not find the file ${path} in container ${id}`, { cause: error });
}

function refuseReadOnly(error: unknown): never {
  if (isEngineError(error, 'invalid') && error.message.endsWith(' is marked read-only')) {
    throw forbidden(error.message, { cause: error });
  }
  throw error;
}
