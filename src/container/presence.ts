import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Milliseconds between two looks. */
const INTERVAL = 1000;
const NOTHING = Buffer.alloc(0);

/**
 * Notices that a client on a unix socket has gone when neither its end (it may have closed its sending side long ago, or
 * wait for us to read) nor output would tell: writing nothing fails with EPIPE then, which closes the stream. Call the
 * result to stop. Over TCP the kernel does not know; the next byte of output shows it.
 */
export function watchPresence(client: Duplex): () => void {
  if (!(client instanceof Socket) || client.remoteAddress !== undefined) return () => {};
  const look = () => {
    const silent = client.readableEnded || !client.readableFlowing;
    if (silent && client.writable && client.writableLength === 0) client.write(NOTHING);
  };
  client.once('end', look);
  const timer = setInterval(look, INTERVAL).unref();
  return () => {
    client.off('end', look);
    clearInterval(timer);
  };
}
