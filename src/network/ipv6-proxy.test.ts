import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buffer, text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { nativeProgram } from '#test/support/launcher.ts';
import { inOwnNamespace } from '#test/support/netns.ts';
import { Ipv6Proxy } from './ipv6-proxy.ts';
import type { PublishedPort } from './published-port.ts';

/** A launcher that keeps nothing: what it keeps is tested with the real one below. */
const forgetful = { kept: new Map<string, number>(), keepDescriptor: async () => {}, release: async () => {} };

if (inOwnNamespace(import.meta.filename)) {
  describe('a TCP port published over IPv6', () => {
    let container: Server;
    let port: PublishedPort;
    const proxy = new Ipv6Proxy(forgetful);

    before(async () => {
      container = createServer({ allowHalfOpen: true }, answerInCapitals).listen(0, '127.0.0.1');
      await once(container, 'listening');
      const containerPort = (container.address() as AddressInfo).port;
      port = { protocol: 'tcp', hostAddress: '::', hostPort: 8080, containerAddress: '127.0.0.1', containerPort };
      await proxy.listen('key', port);
    });
    after(() => {
      proxy.shutDown();
      container.close();
    });

    test('passes both directions on, with half-close, whole', async () => {
      const sent = randomBytes(3_000_000).toString('hex');
      const client = connect(8080, '::1');
      client.end(sent);
      assert.ok((await buffer(client)).equals(Buffer.from(sent.toUpperCase())));
    });

    test('is refused when somebody has it', async () => {
      await assert.rejects(new Ipv6Proxy(forgetful).listen('other', port), { code: 'EADDRINUSE' });
    });

    test('ends the connection when the container refuses it', async (t) => {
      await proxy.listen('nobody', { ...port, hostPort: 8081, containerPort: 1 });
      t.after(() => proxy.close('nobody'));
      const client = connect(8081, '::1');
      client.on('error', () => {});
      await once(client, 'close');
    });

    test('closing ends connections and frees the port', async () => {
      await proxy.listen('brief', { ...port, hostPort: 8082 });
      const client = connect(8082, '::1');
      client.on('error', () => {});
      await once(client, 'connect');
      await proxy.close('brief');
      await once(client, 'close');
      await proxy.listen('brief', { ...port, hostPort: 8082 });
      await proxy.close('brief');
    });

    test('clients wait while a killed engine is started again', async (t) => {
      const script = join(import.meta.dirname, '../../test/support/proxy-engine.ts');
      const { containerPort } = port;
      const engine = [process.execPath, script, '8083', String(containerPort)];
      const launcher = spawn(nativeProgram('wherry-launcher'), ['--', ...engine], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const ended = once(launcher, 'exit');
      t.after(async () => {
        launcher.kill('SIGTERM');
        await ended;
      });
      const pids = createInterface(launcher.stdout)[Symbol.asyncIterator]();
      for (let round = 0; round < 2; round++) {
        const { value: pid } = await pids.next();
        assert.equal(await ask(8083), 'ROUND');
        process.kill(Number(pid), 'SIGKILL');
        assert.equal(await ask(8083), 'ROUND');
      }
    });
  });
}

/** Answers only when the other side has said all. */
function answerInCapitals(socket: Socket): void {
  let said = '';
  socket.on('error', () => {});
  socket.on('data', (chunk) => (said += chunk));
  socket.on('end', () => socket.end(said.toUpperCase()));
}

async function ask(port: number): Promise<string> {
  const client = connect(port, '::1');
  client.end('round');
  return await text(client);
}
