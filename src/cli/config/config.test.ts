/** What docker’s config.json says of credentials and proxies, side by side with docker’s client, on files and with helpers. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { openTerminal } from '#test/support/terminal.ts';
import { type FakeDaemon, replyJson, startFakeDaemon } from '../testing/fake-daemon.ts';
import type { Outcome } from '../testing/memory-context.ts';

const programs = { docker: '/usr/bin/docker', wherry: join(import.meta.dirname, '../../../bin/wherry') };
type Client = keyof typeof programs;
const clients = ['docker', 'wherry'] as const;

let folder: string;
let daemon: FakeDaemon;
/** What the registry thinks of a password. */
let identity = '';

/** Keeps each secret in a file of its own, and writes down what it was called for. */
const helper = `#!/bin/sh
input=$(cat)
echo "$1 $input" >> "$STORE/log"
name=$(printf '%s' "$input" | sed -n 's/.*"ServerURL":"\\([^"]*\\)".*/\\1/p')
file() { printf '%s' "$1" | tr '/:' '__'; }
case $1 in
  store) printf '%s' "$input" > "$STORE/$(file "$name")" ;;
  get) cat "$STORE/$(file "$input")" 2>/dev/null || { echo 'credentials not found in native keychain'; exit 1; } ;;
  erase) rm "$STORE/$(file "$input")" 2>/dev/null || { echo 'credentials not found in native keychain'; exit 1; } ;;
esac
`;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherry-login-'));
  const bin = join(folder, 'bin');
  await mkdir(bin);
  for (const [name, text] of [
    ['docker-credential-test', helper],
    ['docker-credential-broken', '#!/bin/sh\ncat > /dev/null\necho it is broken\nexit 1\n'],
  ] as const) {
    await writeFile(join(bin, name), text);
    await chmod(join(bin, name), 0o755);
  }
  daemon = await startFakeDaemon({
    reply(request, response) {
      if (request.path === '/info')
        return replyJson(response, 200, { IndexServerAddress: 'https://index.docker.io/v1/' });
      if (request.path === '/images/create') return response.end('{"status":"fine"}\n') as unknown as undefined;
      const { password, identitytoken } = JSON.parse(request.body);
      if (password !== 'right' && identitytoken !== 'token') {
        return replyJson(response, 401, { message: 'unauthorized: incorrect username or password' });
      }
      replyJson(response, 200, { Status: 'Login Succeeded', IdentityToken: identity });
    },
  });
});

beforeEach(async () => {
  identity = '';
  for (const client of clients) {
    await rm(join(folder, client), { recursive: true, force: true });
    await mkdir(join(folder, client, 'store'), { recursive: true });
  }
});

after(async () => {
  await daemon.close();
  await rm(folder, { recursive: true, force: true });
});

function run(client: Client, line: string, input = ''): Promise<Outcome & { requests: unknown }> {
  const config = join(folder, client);
  const env = {
    PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
    HOME: '/nonexistent',
    DOCKER_CONFIG: config,
    DOCKER_HOST: daemon.host,
    STORE: join(config, 'store'),
  };
  daemon.requests.length = 0;
  return new Promise((resolve) => {
    const child = execFile(programs[client], line.split(' '), { env }, (error, stdout, stderr) => {
      const requests = daemon.requests.flatMap(({ path, body, headers }) => {
        if (path === '/auth') return [JSON.parse(body)];
        const header = headers['x-registry-auth'];
        return header ? [JSON.parse(Buffer.from(String(header), 'base64url').toString())] : [];
      });
      const plain = (text: string) => text.replaceAll(config, 'CONFIG').replaceAll('wherry', 'docker');
      resolve({ exitCode: error ? Number(error.code) : 0, stdout: plain(stdout), stderr: plain(stderr), requests });
    });
    child.stdin!.end(input);
  });
}

async function files(client: Client): Promise<Record<string, unknown>> {
  const store = join(folder, client, 'store');
  const config = await readFile(join(folder, client, 'config.json'), 'utf8').catch(() => '');
  const kept = (await readdir(store)).filter((name) => name !== 'log').sort();
  const secrets = kept.map(async (name) => [name, JSON.parse(await readFile(join(store, name), 'utf8'))]);
  return { config, ...Object.fromEntries(await Promise.all(secrets)) };
}

/** Both clients do the same, one after the other, and leave the same. */
async function same(line: string, input?: string): Promise<Outcome & { requests: unknown }> {
  const theirs = await run('docker', line, input);
  const ours = await run('wherry', line, input);
  assert.deepEqual(ours, theirs, line);
  assert.deepEqual(await files('wherry'), await files('docker'), line);
  return ours;
}

const configure = async (config: object) => {
  for (const client of clients) await writeFile(join(folder, client, 'config.json'), JSON.stringify(config));
};

test('passwords are kept in the file, used again, and forgotten', async () => {
  await same('login -u anna --password-stdin 127.0.0.1:5000', 'right\n');
  await same('login 127.0.0.1:5000');
  await same('login -u anna -p right https://registry.example/v2/');
  await same('login -u anna -p wrong registry.example');
  await same('login -u anna --password-stdin', 'right');
  await same('logout registry.example');
  await same('logout registry.example');
  await same('logout');
  const { stdout } = await same('logout 127.0.0.1:5000');
  assert.equal(stdout, 'Removing login credentials for 127.0.0.1:5000\n');
});

test('flags that contradict each other, and no terminal', async () => {
  await same('login --password-stdin', 'right');
  await same('login -p x --password-stdin -u anna', 'right');
  for (const client of clients) {
    const { exitCode, stderr } = await run(client, 'login -u anna --password-stdin');
    const [first] = stderr.split('\n');
    assert.deepEqual([exitCode, first], [1, 'Error: Cannot perform an interactive login from a non TTY device']);
  }
});

test('an identity token takes the password’s place', async () => {
  identity = 'token';
  await same('login -u anna --password-stdin 127.0.0.1:5000', 'right');
  assert.match(JSON.stringify(await files('wherry')), /identitytoken/);
  assert.equal((await run('wherry', 'login 127.0.0.1:5000')).exitCode, 0); // docker asks for the password again
  await configure({ credsStore: 'test' });
  await same('login -u anna --password-stdin 127.0.0.1:5000', 'right');
  assert.equal((await run('wherry', 'login 127.0.0.1:5000')).exitCode, 0);
});

for (const client of clients) {
  test(`${client} asks on a terminal${client === 'wherry' ? ' and shows no password' : ''}`, async () => {
    const env = { PATH: process.env.PATH, HOME: '/nonexistent', DOCKER_CONFIG: join(folder, client) };
    const argv = [programs[client], 'login', '127.0.0.1:5000'];
    const start = () => openTerminal(argv, { ...env, DOCKER_HOST: daemon.host });
    let terminal = start();
    try {
      await terminal.until(/Username: /);
      terminal.type('anna\r');
      await terminal.until(/Password: /);
      terminal.type('wrong\r');
      const refused = await terminal.until(/incorrect username or password/);
      // docker turns the echo off after its question; ours before it
      if (client === 'wherry') assert.doesNotMatch(refused, /wrong/);
      assert.equal(await terminal.ended, 1);
      terminal = start();
      await terminal.until(/Username: /);
      terminal.type('annb\x7fa\r');
      await terminal.until(/Password: /);
      terminal.type('righ\x7fht\r');
      const accepted = await terminal.until(/Login Succeeded/);
      if (client === 'wherry') assert.doesNotMatch(accepted, /right/);
      assert.equal(await terminal.ended, 0);
      const { auths } = JSON.parse(await readFile(join(folder, client, 'config.json'), 'utf8'));
      assert.equal(auths['127.0.0.1:5000'].auth, Buffer.from('anna:right').toString('base64'));
    } finally {
      terminal.close();
    }
  });
}

test('helpers keep secrets, for all registries or for some', async () => {
  await configure({ credHelpers: { 'one.example': 'test' }, HttpHeaders: { 'X-A': 'b' }, unknownField: [1, 'two'] });
  await run('wherry', 'login -u anna --password-stdin one.example', 'right');
  const { config, ...secrets } = await files('wherry');
  assert.deepEqual(secrets, { 'one.example': { ServerURL: 'one.example', Username: 'anna', Secret: 'right' } });
  assert.deepEqual(JSON.parse(String(config)), {
    auths: { 'one.example': {} },
    credHelpers: { 'one.example': 'test' },
    HttpHeaders: { 'X-A': 'b' },
    unknownField: [1, 'two'], // docker's own client drops what it does not know
  });
  await run('wherry', 'logout one.example');
  await configure({ credsStore: 'test' });
  await same('login -u anna --password-stdin two.example', 'right');
  await same('login two.example');
  await same('logout two.example');
});

test('a helper that fails or is not there', async () => {
  await configure({ credsStore: 'absent' });
  for (const client of clients) {
    const { exitCode, stderr } = await run(client, 'login -u anna --password-stdin two.example', 'right');
    assert.equal(exitCode, 1);
    assert.match(stderr, /docker-credential-absent": executable file not found in \$PATH/);
    assert.doesNotMatch(stderr, /right/);
  }
  await configure({ credsStore: 'broken' });
  for (const client of clients) {
    const { exitCode, stderr } = await run(client, 'login -u anna --password-stdin two.example', 'right');
    assert.deepEqual([exitCode, /it is broken/.test(stderr), /right/.test(stderr)], [1, true, false]);
  }
});

test('a pull sends the credentials for its registry, and no other’s', async () => {
  const auth = Buffer.from('anna:right').toString('base64');
  await configure({
    auths: {
      '127.0.0.1:5000': { auth },
      'https://index.docker.io/v1/': { auth: Buffer.from('hub:secret').toString('base64') },
      'https://old.example/v1/': { identitytoken: 'token' },
    },
  });
  for (const image of ['127.0.0.1:5000/a/b:1', 'busybox', `old.example/x@sha256:${'a'.repeat(64)}`]) {
    const theirs = await run('docker', `create -q --pull always ${image}`);
    const ours = await run('wherry', `create -q --pull always ${image}`);
    assert.deepEqual(ours.requests, theirs.requests, image);
  }
  assert.deepEqual((await run('wherry', 'create -q --pull always other.example/x')).requests, []);
});

test('containers get the proxies that are configured for their daemon', async () => {
  await configure({
    proxies: {
      default: { httpProxy: 'http://default:1' },
      [daemon.host]: { httpProxy: 'http://proxy:1', noProxy: 'localhost,.example', allProxy: 'socks://proxy:2' },
    },
  });
  const line = 'create -e HTTP_PROXY=mine -e no_proxy -e A=1 busybox';
  const env: string[][] = [];
  for (const client of clients) {
    await run(client, line);
    const body = daemon.requests.find(({ path }) => path === '/containers/create')!.body;
    env.push(JSON.parse(body).Env.sort());
  }
  assert.deepEqual(env[1], env[0]);
  assert.ok(env[1]!.includes('http_proxy=http://proxy:1'), String(env[1]));
});
