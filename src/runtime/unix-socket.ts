import { once } from 'node:events';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { basename, dirname } from 'node:path';

/** sockaddr_un.sun_path without its end (unix(7)). */
const longestPath = 107;

/**
 * Connects to a unix socket; a path that is too long for the kernel is reached through its open directory. The socket
 * is paused and does not end itself when the peer does. Rejects with the system's error (`ENOENT`, `ECONNREFUSED`) or
 * the signal's reason.
 */
export async function connectUnix(path: string, signal?: AbortSignal): Promise<Socket> {
  signal?.throwIfAborted();
  if (Buffer.byteLength(path) <= longestPath) return await connected(path, signal);
  const directory = await open(dirname(path), constants.O_DIRECTORY | constants.O_RDONLY);
  try {
    return await connected(`/proc/self/fd/${directory.fd}/${basename(path)}`, signal);
  } finally {
    await directory.close();
  }
}

async function connected(path: string, signal?: AbortSignal): Promise<Socket> {
  const socket = connect({ path, allowHalfOpen: true });
  socket.pause();
  try {
    await once(socket, 'connect', { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw signal?.aborted ? signal.reason : error;
  }
}
