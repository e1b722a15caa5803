import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import type { ContainerInspect, ContainerSummary } from '#api/types/container.ts';
import { EMPTY_CONFIG } from '#api/types/container-config.ts';
import { EMPTY_HOST_CONFIG } from '#api/types/host-config.ts';
import type { SystemVersion } from '#api/types/system.ts';
import { notFound } from '#errors/errors.ts';
import { startApi } from '#test/support/api.ts';
import { fakeBackend } from '#test/support/fake-backend.ts';
import type { ContainerCreateRequest } from './backend.ts';

/** The clients that people use, unchanged, against the server with an engine of one container. */

const ID = 'c0ffee'.padEnd(64, '0');

const version: SystemVersion = {
  Platform: { Name: 'wherry' },
  Components: [],
  Version: '9.9.9',
  ApiVersion: '1.51',
  MinAPIVersion: '1.17',
  GitCommit: '',
  GoVersion: '',
  Os: 'linux',
  Arch: 'amd64',
  KernelVersion: '6.12',
};

const summary = {
  Id: ID,
  Names: ['/web'],
  Image: 'busybox',
  ImageID: `sha256:${ID}`,
  Command: 'sh',
  Created: 1_700_000_000,
  Ports: [{ IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' }],
  Labels: {},
  State: 'running',
  Status: 'Up 3 minutes',
  HostConfig: { NetworkMode: 'bridge' },
  NetworkSettings: { Networks: {} },
  Mounts: [],
} satisfies ContainerSummary;

const inspected = {
  Id: ID,
  Name: '/web',
  Image: summary.ImageID,
  State: { Running: true, Status: 'running' },
  Config: { ...EMPTY_CONFIG, Image: 'busybox', OpenStdin: true, AttachStdin: true },
  HostConfig: EMPTY_HOST_CONFIG,
  NetworkSettings: { Networks: {}, Ports: {} },
  Mounts: [],
} as unknown as ContainerInspect;

/** One frame of a multiplexed stream. */
function frame(stream: 1 | 2, text: string): Buffer {
  const head = Buffer.alloc(8);
  head[0] = stream;
  head.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([head, Buffer.from(text)]);
}

function known(id: string): void {
  if (!['web', ID, ID.slice(0, 12)].includes(id)) throw notFound(`No such container: ${id}`);
}

/** Starts the server; `created` collects the create requests. */
async function startEngine(t: TestContext, created: ContainerCreateRequest[] = []) {
  const exit = Promise.withResolvers<{ StatusCode: number }>();
  const upper = async (client: Duplex) => {
    let text = '';
    for await (const chunk of client.iterator({ destroyOnReturn: false })) text += String(chunk);
    client.write(frame(1, text.toUpperCase()));
    client.write(frame(2, 'done'));
    exit.resolve({ StatusCode: 7 });
  };
  async function* lines() {
    yield frame(1, 'out\n');
    yield frame(2, 'err\n');
  }
  const backend = fakeBackend({
    system: { version: async () => version, async *events() {} },
    images: {
      list: async () => [],
      inspect: (name) => Promise.reject(notFound(`No such image: ${name}`)),
      async load(body, _options, emit) {
        let size = 0;
        for await (const chunk of body) size += (chunk as Buffer).length;
        emit({ stream: `Loaded image: of ${size} bytes\n` });
      },
    },
    containers: {
      list: async () => [summary],
      async inspect(id) {
        known(id);
        return inspected;
      },
      async create(request) {
        created.push(request);
        return { Id: ID, Warnings: [] };
      },
      attach: async () => ({ tty: false, connect: upper }),
      wait: async () => ({ result: exit.promise }),
      start: async () => {},
      remove: async (id) => known(id),
      logs: async () => ({ tty: false, stream: lines() }),
    },
  });
  return startApi(t, backend);
}

/** Runs a program to its end with `input` on stdin. */
async function run(program: string, args: string[], input = '') {
  const child = spawn(program, args, { env: { PATH: process.env.PATH, HOME: '/nonexistent' } });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => {}).end(input);
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  return { code, stdout, stderr };
}

async function hasProgram(t: TestContext, program: string, args: string[]): Promise<boolean> {
  try {
    await promisify(execFile)(program, args);
    return true;
  } catch {
    t.skip(`${program} is not installed: apt-get install docker-cli python3-docker`);
    return false;
  }
}

test('the docker CLI: version, ps, images, inspect, load, logs', async (t) => {
  if (!(await hasProgram(t, 'docker', ['--version']))) return;
  const { path } = await startEngine(t);
  const docker = (args: string[], input?: string) => run('docker', ['-H', `unix://${path}`, ...args], input);
  assert.equal((await docker(['version', '--format', '{{.Server.Version}}'])).stdout, '9.9.9\n');
  assert.equal(
    (await docker(['ps', '--format', '{{.ID}} {{.Names}} {{.Ports}}'])).stdout,
    'c0ffee000000 web 0.0.0.0:8080->80/tcp\n',
  );
  assert.deepEqual(await docker(['images', '-q']), { code: 0, stdout: '', stderr: '' });
  assert.equal((await docker(['inspect', '-f', '{{.Name}}', 'web'])).stdout, '/web\n');
  assert.match((await docker(['inspect', 'nothing'])).stderr, /No such object: nothing/);
  assert.match((await docker(['rm', 'nothing'])).stderr, /Error response from daemon: No such container: nothing/);
  assert.equal((await docker(['load'], 'tar')).stdout, 'Loaded image: of 3 bytes\n');
  assert.deepEqual(await docker(['logs', 'web']), { code: 0, stdout: 'out\n', stderr: 'err\n' });
});

test('the docker CLI: run with input, output and exit code', async (t) => {
  if (!(await hasProgram(t, 'docker', ['--version']))) return;
  const created: ContainerCreateRequest[] = [];
  const { path } = await startEngine(t, created);
  const args = [
    '-H',
    `unix://${path}`,
    'run',
    '-i',
    '--name',
    'web',
    '-m',
    '64m',
    '-e',
    'A=b',
    'busybox',
    'sh',
    '-c',
    'x',
  ];
  assert.deepEqual(await run('docker', args, 'some input'), { code: 7, stdout: 'SOME INPUT', stderr: 'done' });
  assert.equal(created[0]?.name, 'web');
  assert.partialDeepStrictEqual(created[0], {
    config: { Image: 'busybox', Cmd: ['sh', '-c', 'x'], Env: ['A=b'], OpenStdin: true, StdinOnce: true },
    hostConfig: { Memory: 64 << 20, NetworkMode: 'default', RestartPolicy: { Name: 'no' } },
  });
});

test('dockerode: list, inspect, create, attach, logs, errors', async (t) => {
  const created: ContainerCreateRequest[] = [];
  const { path } = await startEngine(t, created);
  const docker = new Docker({ socketPath: path });
  assert.equal((await docker.listContainers())[0]?.Id, ID);
  const container = await docker.createContainer({ Image: 'busybox', HostConfig: { Memory: 1 << 23 } });
  assert.equal(container.id, ID);
  assert.equal(created[0]?.hostConfig.Memory, 1 << 23);
  assert.equal((await container.inspect()).Name, '/web');
  const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
  stream.end('typed');
  let received = '';
  for await (const chunk of stream) received += String(chunk);
  assert.match(received, /TYPED.*done$/s);
  assert.deepEqual(await container.wait(), { StatusCode: 7 });
  assert.match(String(await container.logs({ stdout: true, stderr: true })), /out\n.*err\n/s);
  await assert.rejects(docker.getContainer('nothing').inspect(), { statusCode: 404 });
});

const PYTHON = `
import docker, sys
client = docker.DockerClient(base_url='unix://' + sys.argv[1])
assert client.ping()
assert client.version()['Version'] == '9.9.9'
container = client.containers.list()[0]
assert container.name == 'web', container.name
made = client.containers.create('busybox', ['sh'], mem_limit='64m', environment={'A': 'b'})
assert made.name == 'web'
assert made.logs(stdout=True, stderr=True) == b'out\\nerr\\n', made.logs()
sock = made.attach_socket(params={'stdin': 1, 'stdout': 1, 'stream': 1})
sock._sock.sendall(b'typed')
sock._sock.shutdown(1)
received = b''
while chunk := sock._sock.recv(4096): received += chunk
assert b'TYPED' in received and received.endswith(b'done'), received
assert made.wait()['StatusCode'] == 7
try:
    client.containers.get('nothing')
    assert False
except docker.errors.NotFound as error:
    assert 'No such container: nothing' in str(error)
made.remove()
`;

test('docker-py: list, create, logs, attach, wait, remove, errors', async (t) => {
  if (!(await hasProgram(t, '/usr/bin/python3', ['-c', 'import docker']))) return;
  const created: ContainerCreateRequest[] = [];
  const { path } = await startEngine(t, created);
  const { code, stderr } = await run('/usr/bin/python3', ['-c', PYTHON, path]);
  assert.equal(code, 0, stderr);
  assert.partialDeepStrictEqual(created[0], { config: { Env: ['A=b'] }, hostConfig: { Memory: 64 << 20 } });
});
