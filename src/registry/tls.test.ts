import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type ServerOptions } from 'node:https';
import { type AddressInfo, connect, type Server } from 'node:net';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { inOwnNamespace, runIn } from '#test/support/netns.ts';
import { RegistryClient } from './client.ts';

const run = promisify(execFile);
/** Not a loopback address, so that certificates count. */
const ADDRESS = '10.77.0.1';

/** `ca`, and `server` and `client` that it has signed. */
async function makeCertificates(folder: string): Promise<void> {
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  await openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=wherry-test-ca');
  for (const name of ['server', 'client']) {
    const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-addext', `subjectAltName=IP:${ADDRESS}`];
    await openssl(
      'req',
      '-x509',
      ...key,
      ...signed,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.cert`,
      '-subj',
      `/CN=${name}`,
    );
  }
}

if (inOwnNamespace(import.meta.filename)) {
  let folder: string;
  before(async () => {
    folder = await mkdtemp('/tmp/wherry-registry-tls-');
    await runIn('/proc/self/ns/net', ['ip', 'address', 'add', `${ADDRESS}/32`, 'dev', 'lo']);
    await makeCertificates(folder);
  });
  after(() => rm(folder, { recursive: true }));

  const listen = async (t: TestContext, server: Server, address = ADDRESS) => {
    await new Promise<void>((resolve) => server.listen(0, address, resolve));
    t.after(() => void server.close());
    return `${address}:${(server.address() as AddressInfo).port}`;
  };

  /** A registry that replies with its client's name. */
  async function serve(t: TestContext, options: ServerOptions = {}, address = ADDRESS): Promise<string> {
    const [key, cert, ca] = await Promise.all(
      ['server.key', 'server.cert', 'ca.crt'].map((name) => readFile(join(folder, name))),
    );
    const server = createServer({ key, cert, ca, ...options }, (request, response) => {
      response.end(String((request.socket as TLSSocket).getPeerCertificate().subject?.CN ?? 'nobody'));
    });
    return listen(t, server, address);
  }

  async function trust(host: string, files: Record<string, string>): Promise<string[]> {
    const certificates = join(folder, `certs-${host}`);
    await mkdir(join(certificates, host), { recursive: true });
    for (const [name, source] of Object.entries(files))
      await copyFile(join(folder, source), join(certificates, host, name));
    return [join(folder, 'absent'), certificates];
  }

  async function ask(t: TestContext, host: string, settings: ConstructorParameters<typeof RegistryClient>[0]) {
    const client = new RegistryClient({ backOff: 1, certificateFolders: [], ...settings });
    t.after(() => client.close());
    const reply = await client.session(host).request({ method: 'GET', url: '/v2/' });
    return (await reply.bytes(100)).toString();
  }

  test('an unknown authority is refused, and the place for its certificate is named', async (t) => {
    const host = await serve(t);
    await assert.rejects(ask(t, host, {}), (error: Error & { hint?: string }) => {
      assert.match(error.message, /x509: certificate signed by unknown authority$/);
      assert.equal(error.hint, `put its authority into /etc/docker/certs.d/${host}/ca.crt`);
      return true;
    });
    assert.equal(await ask(t, host, { insecureRegistries: [ADDRESS] }), 'nobody');
  });

  test("docker's certs.d names authorities and the client's certificate", async (t) => {
    const host = await serve(t, { requestCert: true, rejectUnauthorized: true });
    const authority = await trust(host, { 'ca.crt': 'ca.crt' });
    await assert.rejects(ask(t, host, { certificateFolders: authority }), { kind: 'unavailable' });
    const all = await trust(host, { 'client.cert': 'client.cert', 'client.key': 'client.key' });
    assert.equal(await ask(t, host, { certificateFolders: all }), 'client');
    await rm(join(all[1]!, host, 'client.key'));
    await assert.rejects(ask(t, host, { certificateFolders: all }), /missing client\.key for client\.cert/);
  });

  test('a registry without TLS is spoken to only when it is listed', async (t) => {
    const host = await listen(
      t,
      createHttpServer((_request, response) => void response.end('plain')),
    );
    await assert.rejects(ask(t, host, {}), /server gave HTTP response to HTTPS client$/);
    assert.equal(await ask(t, host, { insecureRegistries: [host] }), 'plain');
  });

  test('a registry on the loopback may have TLS, with any certificate', async (t) => {
    assert.equal(await ask(t, await serve(t, {}, '127.0.0.1'), {}), 'nobody');
  });

  test('TLS goes through a proxy as a tunnel', async (t) => {
    const host = await serve(t);
    const tunnels: string[] = [];
    const proxy = createHttpServer();
    proxy.on('connect', (request, socket) => {
      tunnels.push(request.url!);
      const [address, port] = request.url!.split(':');
      const target = connect(Number(port), address);
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(target).pipe(socket);
      for (const end of [socket, target]) end.on('error', () => {});
    });
    const proxies = { https: `http://${await listen(t, proxy)}` };
    const certificateFolders = await trust(host, { 'ca.crt': 'ca.crt' });
    assert.equal(await ask(t, host, { proxies, certificateFolders }), 'nobody');
    assert.deepEqual(tunnels, [host]);
  });
}
