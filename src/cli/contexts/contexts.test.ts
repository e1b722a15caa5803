/** Contexts, side by side with docker's client: the same words, the same files, one store for both. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import { startFakeDaemon } from '../testing/fake-daemon.ts';
import type { Outcome } from '../testing/memory-context.ts';

const wherryPath = join(import.meta.dirname, '../../../bin/wherry');
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherry-contexts-'));
  for (const config of ['docker', 'wherry', 'shared']) await mkdir(join(folder, config));
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-days', '2'];
  const subject = ['-subj', '/CN=wherry-test', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
  execFileSync('openssl', [...request, ...subject, ...files], { stdio: 'ignore' });
});

after(() => rm(folder, { recursive: true, force: true }));

type Client = 'docker' | 'wherry';

/** Runs a client with a config folder of `config`; a word `FOLDER` in arguments is the test's folder. */
function run(client: Client, config: string, line: string, env: Record<string, string> = {}): Promise<Outcome> {
  const program = client === 'docker' ? '/usr/bin/docker' : wherryPath;
  const argv = line.split(' ').map((word) => word.replaceAll('FOLDER', folder).replaceAll('_', ' '));
  const options = {
    cwd: join(folder, config),
    env: { PATH: process.env.PATH, HOME: '/nonexistent', DOCKER_CONFIG: join(folder, config), ...env },
  };
  return new Promise((resolve) => {
    const child = execFile(program, argv, options, (error, stdout, stderr) => {
      const plain = (text: string) => text.replaceAll(join(folder, config), 'CONFIG').replaceAll('wherry', 'docker');
      resolve({ exitCode: error ? Number(error.code) : 0, stdout: plain(stdout), stderr: plain(stderr) });
    });
    child.stdin!.end();
  });
}

/** The files of a config folder but for exported archives: docker's lack the end of a tar. */
async function tree(root: string): Promise<Record<string, string>> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.dockercontext'))
    .map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    await Promise.all(files.sort().map(async (path) => [relative(root, path), await readFile(path, 'utf8')])),
  );
}

const steps: (string | [string, Record<string, string>])[] = [
  'context ls',
  'context create one --description a_daemon --docker host=tcp://127.0.0.1:2376,skip-tls-verify=true',
  'context create two --docker host=tcp://127.0.0.1:2376,ca=FOLDER/cert.pem,cert=FOLDER/cert.pem,key=FOLDER/key.pem',
  'context ls',
  'context ls -q',
  'context ls --format json',
  'context ls --format {{.Name}}|{{.Current}}|{{.DockerEndpoint}}|{{.Description}}|{{.Error}}',
  'context show',
  'context use one',
  'context show',
  'context ls',
  'context inspect',
  'context inspect two one nope',
  'context inspect -f {{.Endpoints.docker.Host}} two',
  'context rm one',
  'context rm default',
  'context rm -f one nope',
  'context create two',
  'context create default',
  'context create b@d',
  'context create copy --from two',
  'context create changed --from two --description other',
  'context create bad --docker foo=bar',
  'context create bad --docker ca=/nope',
  'context create bad --docker skip-tls-verify=x',
  'context create bad --from two --docker from=two',
  'context create bad --from nope',
  'context update two --description better',
  'context update nope --description better',
  'context update copy --docker host=tcp://127.0.0.1:1',
  'context export two',
  'context export two two.dockercontext',
  'context import three two.dockercontext',
  'context import three two.dockercontext',
  'context import four FOLDER/cert.pem',
  'context use nope',
  ['context ls', { DOCKER_CONTEXT: 'two' }],
  ['context ls --format {{.Name}}|{{.Error}}', { DOCKER_CONTEXT: 'nope' }],
  ['context show', { DOCKER_CONTEXT: 'nope' }],
  ['context show', { DOCKER_CONTEXT: 'two', DOCKER_HOST: 'unix:///x' }],
  ['context ls', { DOCKER_HOST: 'unix:///x' }],
  ['context use two', { DOCKER_HOST: 'unix:///x' }],
  '--context three context show',
  'context use default',
];

test('every command says what docker’s says and leaves the same files', async () => {
  for (const step of steps) {
    const [line, env] = typeof step === 'string' ? [step, {}] : step;
    // The default daemon's address is each client's own.
    const host = { DOCKER_HOST: '', ...env };
    const [theirs, ours] = await Promise.all([
      run('docker', 'docker', line, host),
      run('wherry', 'wherry', line, host),
    ]);
    assert.deepEqual(ours, theirs, line);
    const files = await tree(join(folder, 'wherry'));
    assert.deepEqual(files, await tree(join(folder, 'docker')), line);
  }
});

test('a context of either client leads both to the same daemon; headers of config.json come with it', async () => {
  const daemon = await startFakeDaemon({
    reply: (_request, response) => response.end(JSON.stringify([])),
  });
  try {
    await writeFile(join(folder, 'shared/config.json'), JSON.stringify({ HttpHeaders: { 'X-Meta': 'team' } }));
    for (const [maker, user] of [
      ['docker', 'wherry'],
      ['wherry', 'docker'],
    ] as const) {
      await run(maker, 'shared', `context create ${maker}1 --docker host=${daemon.host}`);
      await run(maker, 'shared', `context use ${maker}1`);
      for (const client of [maker, user]) {
        daemon.requests.length = 0;
        const { exitCode, stderr } = await run(client, 'shared', 'images -q');
        assert.deepEqual([exitCode, stderr], [0, ''], client);
        assert.equal(daemon.requests.at(-1)!.headers['x-meta'], 'team', client);
      }
    }
    const config = JSON.parse(await readFile(join(folder, 'shared/config.json'), 'utf8'));
    assert.deepEqual(config, { auths: {}, HttpHeaders: { 'X-Meta': 'team' }, currentContext: 'wherry1' });
    const { stderr } = await run('wherry', 'shared', '--context nope images');
    assert.match(stderr, /context "nope": context not found/);
  } finally {
    await daemon.close();
  }
});

test('each client imports what the other one exports', async () => {
  const files = 'ca=FOLDER/cert.pem,cert=FOLDER/cert.pem,key=FOLDER/key.pem';
  await run('docker', 'shared', `context create secure --docker host=tcp://127.0.0.1:1,${files}`);
  for (const [from, to] of [
    ['docker', 'wherry'],
    ['wherry', 'docker'],
  ] as const) {
    await run(from, 'shared', `context export secure FOLDER/${from}.tar`);
    const { exitCode, stderr } = await run(to, 'shared', `context import ${to}by FOLDER/${from}.tar`);
    assert.deepEqual([exitCode, stderr], [0, `Successfully imported context "dockerby"\n`]);
    const inspected = await run(
      'docker',
      'shared',
      `context inspect -f {{json_.Endpoints}}{{json_.TLSMaterial}} ${to}by`,
    );
    const original = await run(
      'docker',
      'shared',
      'context inspect -f {{json_.Endpoints}}{{json_.TLSMaterial}} secure',
    );
    assert.deepEqual(inspected, original);
  }
});

/** Writes zip archives as docker's users make them: what is stored, what is deflated, and broken ones. */
const ZIPS = `
import io, json, sys, zipfile
meta = json.dumps({'Name': 'x', 'Metadata': {'Description': 'zipped'},
  'Endpoints': {'docker': {'Host': 'tcp://127.0.0.1:1', 'SkipTLSVerify': False}}})
pem = open(sys.argv[1] + '/cert.pem').read()
def make(name, files, method=zipfile.ZIP_DEFLATED, change=lambda archive: archive):
  memory = io.BytesIO()
  with zipfile.ZipFile(memory, 'w', method) as archive:
    for path, text in files: archive.writestr(path, text)
  open(sys.argv[1] + '/' + name + '.zip', 'wb').write(change(memory.getvalue()))
whole = [('tls/', ''), ('tls/docker/', ''), ('tls/docker/ca.pem', pem), ('meta.json', meta)]
make('deflated', whole)
make('stored', whole, zipfile.ZIP_STORED)
make('lzma', whole, zipfile.ZIP_LZMA)
make('cut', whole, change=lambda archive: archive[:-30])
make('changed', whole, zipfile.ZIP_STORED, lambda archive: archive.replace(b'zipped', b'zapped'))
make('other', [*whole, ('other', '')])
make('bomb', [('meta.json', ' ' * (12 << 20) + meta)])
`;

test('zip archives are imported as docker imports them', async () => {
  execFileSync('python3', ['-', folder], { input: ZIPS });
  const outcomes = async (name: string) =>
    Promise.all(
      (['docker', 'wherry'] as const).map((client) => run(client, client, `context import ${name} FOLDER/${name}.zip`)),
    );
  for (const name of ['deflated', 'stored', 'lzma', 'cut', 'changed']) {
    const [theirs, ours] = await outcomes(name);
    assert.deepEqual(ours, theirs, name);
    assert.deepEqual(await tree(join(folder, 'wherry')), await tree(join(folder, 'docker')), name);
  }
  for (const [name, why] of [
    ['other', /other"?: unexpected context file/],
    ['bomb', /zip: the files in the archive are too large/],
  ] as const) {
    const [theirs, ours] = await outcomes(name);
    assert.deepEqual([theirs!.exitCode, ours!.exitCode], [1, 1], name);
    assert.match(ours!.stderr, why);
  }
});

test('TLS files of a context prove who both sides are', async () => {
  const [cert, key] = await Promise.all(['cert.pem', 'key.pem'].map((name) => readFile(join(folder, name))));
  const options = { cert, key, ca: cert, requestCert: true, rejectUnauthorized: true };
  const server = createServer(options, (_request, response) => response.setHeader('Api-Version', '1.51').end('[]'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as { port: number };
    const files = 'ca=FOLDER/cert.pem,cert=FOLDER/cert.pem,key=FOLDER/key.pem';
    await run('docker', 'docker', `context create tls --docker host=tcp://127.0.0.1:${port},${files}`);
    await run('docker', 'docker', `context create notls --docker host=tcp://127.0.0.1:${port},skip-tls-verify=true`);
    assert.deepEqual(await run('wherry', 'docker', '--context tls images -q'), { exitCode: 0, stdout: '', stderr: '' });
    assert.notEqual((await run('wherry', 'docker', '--context notls images -q')).exitCode, 0);
  } finally {
    server.close();
  }
});
