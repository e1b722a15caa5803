import { connect, type Socket } from 'node:net';

/** A connection that the daemon has upgraded. */
export interface Upgraded {
  socket: Socket;
  /** Everything of each stream, once the daemon has ended the connection. */
  streams: Promise<{ stdout: string; stderr: string }>;
}

/** Sends a request that is answered by an upgrade to a multiplexed stream; resolves when it is. */
export async function upgrade(socketPath: string, path: string): Promise<Upgraded> {
  const socket = connect({ path: socketPath, allowHalfOpen: true });
  socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n`);
  const upgraded = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<Buffer>();
  let received = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    const head = received.indexOf('\r\n\r\n');
    if (head < 0) return;
    if (/^HTTP\/1\.1 101 /.test(received.toString('latin1'))) upgraded.resolve();
    else upgraded.reject(new Error(received.toString()));
  });
  socket.once('end', () => ended.resolve(received.subarray(received.indexOf('\r\n\r\n') + 4)));
  socket.once('error', (error) => upgraded.reject(error));
  await upgraded.promise;
  return { socket, streams: ended.promise.then(takeApart) };
}

/** Docker's frames: stream number, three zeros, length, bytes. */
function takeApart(bytes: Buffer): { stdout: string; stderr: string } {
  const texts = ['', '', ''];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at + 4);
    texts[bytes[at]!] += bytes.toString('utf8', at + 8, at + 8 + length);
    at += 8 + length;
  }
  return { stdout: texts[1]!, stderr: texts[2]! };
}
