import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { basename, dirname } from 'node:path';

/** sockaddr_un.sun_path without its end (unix(7)). */
const longestPath = 107;

/**
 * Connects to a unix socket; calls connect in their order. A path that is too long for the kernel is reached through its open
 * directory. The socket is paused and does not end itself when the peer does. Rejects with the system's error (`ENOENT`,
 * `ECONNREFUSED`) or the signal's reason.
 */
export async function connectUnix(path: string, signal?: AbortSignal): Promise<Socket> {
  signal?.throwIfAborted();
  const socket = beginConnect(path);
  socket.pause();
  try {
    await once(socket, 'connect', { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw signal?.aborted ? signal.reason : error;
  }
}

/** The kernel has looked at the path, and queued us at its listener, when this returns. */
function beginConnect(path: string): Socket {
  const open = (from: string) => connect({ path: from, allowHalfOpen: true });
  if (Buffer.byteLength(path) <= longestPath) return open(path);
  const directory = openSync(dirname(path), constants.O_DIRECTORY | constants.O_RDONLY);
  try {
    return open(`/proc/self/fd/${directory}/${basename(path)}`);
  } finally {
    closeSync(directory);
  }
}
