import { once } from 'node:events';
import { chmod, chown, lstat, open, readFile, unlink } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { basename, dirname } from 'node:path';
import { conflict, describe, errnoCode, invalid, isEngineError, system } from '#errors/errors.ts';
import type { SocketGroup } from './listen-target.ts';

/** Bytes of a path in `struct sockaddr_un` (unix(7)), without the closing zero. */
const LONGEST_PATH = 107;

/**
 * Listens on a unix socket of mode 0660 that is root's and the group's (only root's when the group does not exist).
 * A socket that nobody serves any more is replaced; one that answers, or a file that is no socket, is left alone.
 * The file goes away when the server closes; what this resolves with is to be called after that. Rejects with `conflict`, `invalid` or `system`.
 */
export async function listenOnUnixSocket(
  server: Server,
  path: string,
  group: SocketGroup = { name: 'docker', required: false },
): Promise<() => Promise<void>> {
  const gid = await groupId(group);
  try {
    await removeStale(path);
    const release = await bind(server, path);
    if (gid !== undefined) await chown(path, 0, gid);
    await chmod(path, 0o660);
    return release;
  } catch (cause) {
    if (isEngineError(cause)) throw cause;
    throw system(`cannot listen on unix://${path}: ${describe(cause)}`, { cause, code: errnoCode(cause) });
  }
}

/** Binds and listens. The file is born with mode 0600: between bind and chmod nobody but root gets in. */
async function bind(server: Server, path: string): Promise<() => Promise<void>> {
  const { name, release } = await shortName(path);
  try {
    const listening = once(server, 'listening');
    const umask = process.umask(0o177);
    try {
      server.listen({ path: name });
    } finally {
      process.umask(umask);
    }
    await listening;
  } catch (error) {
    await release();
    throw error;
  }
  return release;
}

/** A name for a path that fits into a socket's address: through a descriptor of its folder when it is too long. */
async function shortName(path: string): Promise<{ name: string; release: () => Promise<void> }> {
  if (Buffer.byteLength(path) <= LONGEST_PATH) return { name: path, release: async () => {} };
  const folder = await open(dirname(path), 'r');
  const name = `/proc/self/fd/${folder.fd}/${basename(path)}`;
  if (Buffer.byteLength(name) <= LONGEST_PATH) return { name, release: () => folder.close() };
  await folder.close();
  throw invalid(`the name of the socket ${path} is too long`, { hint: 'its last part may have 80 bytes' });
}

async function removeStale(path: string): Promise<void> {
  try {
    const stat = await lstat(path);
    if (!stat.isSocket()) {
      throw conflict(`cannot listen on unix://${path}: a file that is not a socket is in the way`, {
        hint: 'remove it or choose another path',
      });
    }
    if (await answers(path)) {
      throw conflict(`cannot listen on unix://${path}: another daemon is listening there`, {
        hint: 'stop it, or give this one its own -H',
      });
    }
    await unlink(path);
  } catch (error) {
    if (errnoCode(error) !== 'ENOENT') throw error;
  }
}

/** True when something accepts connections there, also when it is too busy to do so now. */
async function answers(path: string): Promise<boolean> {
  const { name, release } = await shortName(path);
  const socket = connect({ path: name });
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    return errnoCode(error) !== 'ECONNREFUSED' && errnoCode(error) !== 'ENOENT';
  } finally {
    socket.destroy();
    await release();
  }
}

/** The number of a group in /etc/group, or a number given as such. */
async function groupId({ name, required }: SocketGroup): Promise<number | undefined> {
  if (/^\d{1,9}$/.test(name)) return Number(name);
  const groups = await readFile('/etc/group', 'utf8');
  const fields = groups.split('\n').map((line) => line.split(':'));
  const gid = fields.find((field) => field[0] === name)?.[2];
  if (gid !== undefined) return Number(gid);
  if (!required) return undefined;
  throw invalid(`group '${name}' for the socket not found in /etc/group`, { hint: `create it: groupadd ${name}` });
}
