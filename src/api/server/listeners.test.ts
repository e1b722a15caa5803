import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import { rawOn } from '#test/support/api.ts';
import { fakeBackend } from '#test/support/fake-backend.ts';
import type { ListenTarget } from './listen-target.ts';
import { createApiServer } from './server.ts';

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'wherry-listen-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

function server(t: TestContext, backend = fakeBackend({})) {
  const api = createApiServer({ backend, version: '0.0-test' });
  t.after(() => api.close());
  return api;
}

const unix = (path: string): ListenTarget => ({ kind: 'unix', path, access: 'admin' });

async function pingReply(target: { socketPath: string } | { port: number; host: string }): Promise<IncomingMessage> {
  const [reply] = (await once(get({ ...target, path: '/_ping', agent: false }), 'response')) as [IncomingMessage];
  return reply.resume();
}

async function ping(target: { socketPath: string } | { port: number; host: string }): Promise<number | undefined> {
  return (await pingReply(target)).statusCode;
}

test('a unix socket is root’s and the group’s, whatever the umask, and goes away at the end', async (t) => {
  const path = join(scratch(t), 'api.sock');
  const umask = process.umask(0);
  t.after(() => process.umask(umask));
  const listener = await server(t).listen({ ...unix(path), group: { name: '12345', required: true } } as ListenTarget);
  assert.equal(listener.address, `unix://${path}`);
  const { mode, uid, gid } = statSync(path);
  assert.deepEqual([(mode & 0o7777).toString(8), uid, gid], ['660', 0, 12345]);
  assert.equal(process.umask(), 0);
  assert.equal(await ping({ socketPath: path }), 200);
  await listener.close();
  assert.ok(!existsSync(path));
});

test('a group that must exist and does not is refused by name', async (t) => {
  const target = { ...unix(join(scratch(t), 'api.sock')), group: { name: 'no-such-group', required: true } };
  await assert.rejects(server(t).listen(target as ListenTarget), { kind: 'invalid', message: /'no-such-group'/ });
});

test('a socket that nobody serves is replaced; one that answers, and a file, are left alone', async (t) => {
  const path = join(scratch(t), 'api.sock');
  execFileSync('python3', ['-c', `import socket; socket.socket(socket.AF_UNIX).bind(${JSON.stringify(path)})`]);
  const first = await server(t).listen(unix(path));
  await assert.rejects(server(t).listen(unix(path)), {
    kind: 'conflict',
    message: /another daemon is listening there$/,
  });
  assert.equal(await ping({ socketPath: path }), 200);
  await first.close();
  writeFileSync(path, 'precious');
  await assert.rejects(server(t).listen(unix(path)), { kind: 'conflict', message: /not a socket/ });
  assert.equal(readFileSync(path, 'utf8'), 'precious');
});

test('a folder that is not there is named', async (t) => {
  await assert.rejects(server(t).listen(unix('/no/such/folder/api.sock')), {
    kind: 'system',
    message: /^cannot listen on unix:\/\/\/no\/such\/folder\/api.sock: /,
  });
});

test('a path longer than a socket address can be works, one whose last part is too long does not', async (t) => {
  const folder = join(scratch(t), 'd'.repeat(150));
  execFileSync('mkdir', [folder]);
  const path = join(folder, 'api.sock');
  for (let round = 0; round < 2; round++) {
    const listener = await server(t).listen(unix(path));
    assert.equal((statSync(path).mode & 0o7777).toString(8), '660');
    const curl = ['-s', '--max-time', '10', '--unix-socket', 'api.sock', 'http://x/_ping'];
    assert.equal((await promisify(execFile)('curl', curl, { cwd: folder })).stdout, 'OK');
    await assert.rejects(server(t).listen(unix(path)), { kind: 'conflict' });
    await listener.close();
    assert.ok(!existsSync(path));
  }
  await assert.rejects(server(t).listen(unix(join(folder, 'n'.repeat(120)))), { kind: 'invalid', message: /too long/ });
});

/** Holds a listening socket as descriptor 3 of a server that it starts again when it dies; prints each one's pid. */
const HOLDER = `
import os, socket, subprocess, sys
held = socket.socket(socket.AF_UNIX)
held.bind(sys.argv[1])
held.listen()
os.dup2(held.fileno(), 3)
while True:
    server = subprocess.Popen(sys.argv[2:], pass_fds=(3,))
    print(server.pid, flush=True)
    server.wait()`;

const SERVER = `
const { createApiServer } = await import(${JSON.stringify(import.meta.resolve('./server.ts'))});
const api = createApiServer({ backend: { system: {} }, version: String(process.pid) });
await api.listen({ kind: 'fd', fd: 3, access: 'admin' });`;

test('a listening descriptor outlives its server: who comes between two servers is served by the second', async (t) => {
  const path = join(scratch(t), 'api.sock');
  const arguments_ = ['-c', HOLDER, path, process.execPath, '--input-type=module', '--eval', SERVER];
  const holder = spawn('python3', arguments_, { stdio: ['ignore', 'pipe', 'inherit'] });
  const pids: number[] = [];
  t.after(() => {
    holder.kill('SIGKILL');
    for (const pid of pids) if (existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL');
  });
  const nextPid = async () => pids[pids.push(Number((await once(holder.stdout, 'data'))[0])) - 1]!;
  const serverOf = async () => (await pingReply({ socketPath: path })).headers.server;
  const first = await nextPid();
  assert.equal(await serverOf(), `wherry/${first} (linux)`);
  const second = nextPid();
  process.kill(first, 'SIGKILL');
  assert.equal(await serverOf(), `wherry/${await second} (linux)`);
});

test('TCP in plain text when asked for, with the real port; a port in use is a conflict', async (t) => {
  const api = server(t);
  const listener = await api.listen({ kind: 'tcp', host: '127.0.0.1', port: 0, access: 'admin' });
  const port = Number(/^tcp:\/\/127\.0\.0\.1:(\d+)$/.exec(listener.address)?.[1]);
  assert.equal(await ping({ host: '127.0.0.1', port }), 200);
  await assert.rejects(api.listen({ kind: 'tcp', host: '127.0.0.1', port, access: 'admin' }), {
    kind: 'conflict',
    code: 'EADDRINUSE',
  });
});

test('closing cuts idle, busy and hijacked connections', async (t) => {
  const path = join(scratch(t), 'api.sock');
  const attach = async () => ({ tty: true, connect: () => new Promise<void>(() => {}) });
  const wait = async () => ({ result: new Promise<never>(() => {}) });
  const api = server(t, fakeBackend({ containers: { attach, wait } }));
  await api.listen(unix(path));
  const heads = [
    'GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n',
    'POST /containers/x/wait HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n',
    'POST /containers/x/attach HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n',
    'POST /containers/x/attach HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n',
  ];
  const clients = heads.map((head) => rawOn(connect(path), head));
  await Promise.all(clients.map((client) => client.until(/\r\n\r\n/)));
  await api.close();
  await Promise.all(clients.map((client) => client.end()));
});

test('an idle connection stays, a large head passes, one beyond the limit is refused in JSON', async (t) => {
  const path = join(scratch(t), 'api.sock');
  await server(t).listen(unix(path));
  const request = (size: number) => `GET /_ping HTTP/1.1\r\nX-Registry-Config: ${'x'.repeat(size)}\r\n\r\n`;
  const client = rawOn(connect(path), request(1_000_000));
  const reply = await client.until(/OK$/);
  assert.match(reply, /^HTTP\/1.1 200 OK\r\n/);
  assert.doesNotMatch(reply, /Keep-Alive: timeout/i);
  client.socket.write(request(2_000_000));
  assert.match(
    await client.end(),
    /HTTP\/1.1 431 [\s\S]*\{"message":"the request's head is larger than 1048576 bytes"\}$/,
  );
  assert.match(
    await rawOn(connect(path), 'rubbish\r\n\r\n').end(),
    /^HTTP\/1.1 400 [\s\S]*\{"message":"malformed HTTP: /,
  );
});

/** A CA, and a server's and a client's certificate of it. */
function certificates(folder: string) {
  const sh = `set -e; cd "$0"
    newkey="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    openssl req -x509 $newkey -keyout ca.key -out ca.pem -subj /CN=ca
    for name in server client; do
      openssl req -x509 $newkey -keyout $name.key -out $name.pem -subj /CN=$name -CA ca.pem -CAkey ca.key \
        -addext subjectAltName=IP:127.0.0.1
    done`;
  execFileSync('sh', ['-c', sh, folder], { stdio: 'ignore' });
  return (name: string) => readFileSync(join(folder, name));
}

test('TLS: only clients with a certificate get in, and a half-closed hijack still answers', async (t) => {
  const pem = certificates(scratch(t));
  const echo = async (client: Duplex) => {
    for await (const chunk of client.iterator({ destroyOnReturn: false })) client.write(`[${chunk}]`);
    client.write('end of input');
  };
  const api = server(t, fakeBackend({ containers: { attach: async () => ({ tty: true, connect: echo }) } }));
  const tls = { ca: pem('ca.pem'), cert: pem('server.pem'), key: pem('server.key'), verifyClients: true };
  const { address } = await api.listen({ kind: 'tcp', host: '127.0.0.1', port: 0, access: 'admin', tls });
  const port = Number(address.split(':').at(-1));
  const dial = (own: object) =>
    connectTls({ host: '127.0.0.1', port, ca: pem('ca.pem'), allowHalfOpen: true, ...own } as never) as Socket;
  const ours = { cert: pem('client.pem'), key: pem('client.key') };

  const allowed = rawOn(dial(ours), 'GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  assert.match(await allowed.end(), /^HTTP\/1.1 200 OK\r\n/);
  const refused = rawOn(dial({}), 'GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.equal(await refused.end(), '');
  for (const headers of ['Connection: Upgrade\r\nUpgrade: tcp\r\n', 'Content-Length: 0\r\n']) {
    const client = rawOn(dial(ours), `POST /containers/x/attach HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
    await client.until(/\r\n\r\n/);
    client.socket.end('input');
    assert.match(await client.end(), /\[input\]end of input$/);
  }
});
