/** Servers of the test's own process that are reached inside another network namespace. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Server } from 'node:net';

const program = `
  const server = require('node:net').createServer();
  server.listen(Number(process.argv[2]), process.argv[1], () => {
    process.send(server.address().port, server, () => process.exit());
  });
`;

/**
 * Makes `server` accept connections to an address inside the namespace at `netns` (a path) and gives the port. A socket
 * stays in the namespace in which it was made: a child makes it there and sends it here. Port 0 = any that is free.
 */
export async function listenIn(netns: string, server: Server, port = 0, address = '127.0.0.1'): Promise<number> {
  const command = [`--net=${netns}`, process.execPath, '-e', program, address, `${port}`];
  const child = spawn('nsenter', command, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ended = once(child, 'exit');
  const received = once(child, 'message') as Promise<[number, Server]>;
  const [chosen, handle] = await Promise.race([
    received,
    ended.then(([code]) => Promise.reject(new Error(`nobody could listen on ${address}:${port} (exit code ${code})`))),
  ]);
  server.listen(handle);
  await Promise.all([ended, server.listening ? undefined : once(server, 'listening')]);
  return chosen;
}

/** Ends a server and every connection to it. */
export async function closeServer(server: Server & { closeAllConnections?(): void }): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections?.();
  await closed;
}
