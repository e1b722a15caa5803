/** The engine is killed right after each write step; the next one leaves nothing half done, and the verb works then. */
import assert from 'node:assert/strict';
import { glob, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DriverName } from '#graphdriver/driver.ts';
import { WRITE_STEPS, type WriteStep } from '#lib/write-steps.ts';
import { ask } from '#test/support/ask.ts';
import { faultFile, startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { killEngine, killedAt, repairStore } from '#test/support/faults.ts';
import { busyboxLayer, makeArchive } from '#test/support/images.ts';
import { runIn } from '#test/support/netns.ts';
import { startRegistry, type TestRegistry } from '#test/support/registry.ts';
import { putImage, type StoredImage } from '#test/support/registry-images.ts';
import { checkStore } from '#test/support/store-check.ts';
import { makeTar } from '#test/support/tar.ts';

interface Case {
  /** The storage driver that takes the step; default: that of the test daemon. */
  driver?: DriverName;
  prepare?(): Promise<unknown>;
  /** Passes the step, itself or by what it sets going. */
  verb(): Promise<unknown>;
  /** What must hold when the next engine is there; ends with the verb working, and everything removed. */
  check(): Promise<void>;
}

let folder: string;
let archive: string;
let daemon: TestDaemon;
let registry: TestRegistry;
let remote: StoredImage;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherry-faults-'));
  archive = join(folder, 'app.tar');
  const own = makeTar([{ name: 'own', body: 'own file\n' }]);
  await makeArchive(archive, [
    { layers: [await busyboxLayer(), own], tags: ['app:latest'], config: { Cmd: ['cat', '/own'] } },
  ]);
  daemon = await startDaemon();
  registry = await startRegistry({ netns: daemon.netns.path });
  const layers = [await busyboxLayer(), own];
  remote = await putImage(registry, 'app', { layers, config: { Cmd: ['cat', '/own'] } }, 'latest');
});

after(async () => {
  await daemon.close();
  await registry.close();
  await rm(folder, { recursive: true });
});

const ok = (...args: string[]) => daemon.ok(args);
const attempt = (...args: string[]) => daemon.docker(args);
const state = (name: string) => ok('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', name);
const exists = async (name: string) => (await attempt('inspect', '--type', 'container', name)).code === 0;
const lines = (text: string) => text.split('\n').filter(Boolean);

async function untilExited(name: string): Promise<string> {
  for (;;) {
    const now = await state(name);
    if (now.startsWith('exited')) return now;
    await sleep(20);
  }
}

/** After a failure nothing disturbs the next test; the launcher, which waits longer before each engine, is a new one. */
async function clear(): Promise<void> {
  await rm(faultFile(daemon.folder), { force: true });
  await daemon.removeContainers();
  await attempt('rmi', 'app', 'other');
  await attempt('network', 'rm', 'net');
  await attempt('volume', 'prune', '-af');
  await restart();
}

/** With another driver, busybox gets its layers anew as soon as a container needs them. */
async function restart(...flags: string[]): Promise<void> {
  await daemon.stop();
  await daemon.start(flags);
  await ok('rm', await ok('create', 'busybox'));
}

// Images

const load: Case['verb'] = () => attempt('load', '-i', archive);

async function imageWorks(): Promise<void> {
  assert.equal(await ok('run', '--rm', 'app'), 'own file');
  await ok('rmi', 'app');
  await checkStore(daemon);
}

function loading(expected: 'absent' | 'present'): Case {
  return {
    verb: load,
    async check() {
      const { layers } = await checkStore(daemon);
      assert.equal(await ok('images', '-q', 'app'), expected === 'absent' ? '' : await ok('images', '-q', 'app'));
      assert.equal((await attempt('image', 'inspect', 'app')).code, expected === 'absent' ? 1 : 0);
      assert.equal(layers.size, expected === 'absent' ? 1 : 2);
      await ok('load', '-i', archive);
      await imageWorks();
    },
  };
}

/** What has come of a layer is gone on with; an image that is known is whole. */
function pulling(expected: 'absent' | 'present', prepare?: Case['prepare']): Case {
  const name = '127.0.0.1:5000/app';
  return {
    ...(prepare && { prepare }),
    verb: () => attempt('pull', name),
    async check() {
      const { layers } = await checkStore(daemon);
      assert.equal((await attempt('image', 'inspect', name)).code, expected === 'absent' ? 1 : 0);
      assert.equal(layers.size, expected === 'absent' ? 1 : 2);
      if (expected === 'present') assert.deepEqual(await downloads(), []);
      await ok('pull', name);
      assert.deepEqual(await downloads(), []);
      assert.equal(await ok('run', '--rm', name), 'own file');
      await ok('rmi', name);
      await checkStore(daemon);
    },
  };
}

const downloads = () => readdir(join(daemon.dataRoot, 'content/ingest'));

/** Bytes that are not the layer's, as a power cut may leave them. */
async function damagedDownload(): Promise<void> {
  const path = join(daemon.dataRoot, 'content/ingest', `download-${remote.layers[1]!.digest.replace('sha256:', '')}`);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'blob'), Buffer.alloc(20));
}

const untagging: Case = {
  prepare: () => ok('load', '-i', archive),
  verb: () => attempt('rmi', 'app'),
  async check() {
    const { images, layers } = await checkStore(daemon);
    assert.deepEqual([images.length, layers.size], [1, 1], 'busybox alone is left');
    assert.match((await attempt('rmi', 'app')).stderr, /No such image/);
    await ok('load', '-i', archive);
    await imageWorks();
  },
};

const tagging: Case = {
  verb: () => attempt('tag', 'busybox', 'other'),
  async check() {
    await checkStore(daemon);
    assert.equal(await ok('images', '-q', 'other'), await ok('images', '-q', 'busybox'));
    await ok('tag', 'busybox', 'other');
    assert.equal(await ok('run', '--rm', 'other', 'echo', 'tagged'), 'tagged');
    await ok('rmi', 'other');
  },
};

/** Each push goes to another repository, so that it has something to send. */
const pushing: Case = {
  prepare: () => ok('tag', 'busybox', pushed(++pushes)),
  verb: () => attempt('push', pushed(pushes)),
  async check() {
    await checkStore(daemon);
    const printed = await ok('push', pushed(pushes));
    assert.match(printed, /Layer already exists/);
    const digest = /digest: (sha256:[0-9a-f]{64})/.exec(printed)![1];
    const digests = await ok('inspect', '-f', '{{json .RepoDigests}}', 'busybox');
    assert.ok(digests.includes(`${pushed(pushes)}@${digest}`), digests);
    await ok('rmi', pushed(pushes));
    assert.equal(await ok('run', '--rm', 'busybox', 'echo', 'pushed'), 'pushed');
  },
};
let pushes = 0;
const pushed = (number: number) => `127.0.0.1:5000/pushed-${number}`;

// Containers

const SCRIPT = 'echo said | tee /anonymous/f; sleep 0.2; exit 7';
/** Of each test another, so that it is made and filled. */
let named = '';
const anonymous = (volumes: string[]) => volumes.filter((name) => !name.startsWith('named'));
const create = (verb: 'create' | 'run', ...more: string[]) => [
  ...[verb, '--name', 'box', '-p', '8080:80', '-v', `${named}:/etc`, '-v', '/anonymous', ...more],
  ...['--mount', `type=volume,source=${named}-tmpfs,target=/scratch,volume-opt=type=tmpfs,volume-opt=device=tmpfs`],
  ...['busybox', 'sh', '-c', SCRIPT],
];

/** It runs to its end with its own code, which stays known, and goes with all that it had. */
async function containerWorks(): Promise<void> {
  await ok('start', 'box');
  assert.equal(await untilExited('box'), 'exited 7');
  await killEngine(daemon);
  assert.equal(await state('box'), 'exited 7');
  assert.deepEqual(lines(await ok('logs', 'box')).at(-1), 'said');
  await ok('rm', '-v', 'box');
  assert.deepEqual(anonymous((await checkStore(daemon)).volumes), []);
}

function creating(expected: 'absent' | 'present'): Case {
  return {
    verb: () => attempt(...create('create')),
    async check() {
      const { volumes, containers } = await checkStore(daemon);
      assert.equal(await exists('box'), expected === 'present');
      assert.equal(containers.size, expected === 'present' ? 1 : 0);
      assert.equal(anonymous(volumes).length, containers.size);
      if (expected === 'present') assert.equal(await state('box'), 'created 0');
      else await ok(...create('create'));
      assert.equal(await ok('run', '--rm', '-v', `${named}:/etc`, 'busybox', 'head', '-c', '4', '/etc/passwd'), 'root');
      await containerWorks();
    },
  };
}

const startingBefore: Case = {
  prepare: () => ok(...create('create')),
  verb: () => attempt('start', 'box'),
  async check() {
    await checkStore(daemon);
    assert.equal(await state('box'), 'created 0');
    assert.equal(await ok('run', '--rm', '-p', '8080:80', 'busybox', 'echo', 'free'), 'free');
    await containerWorks();
  },
};

/** It ends before there is another engine. */
const startingShort: Case = {
  prepare: () => ok('create', '--name', 'short', 'busybox', 'sh', '-c', 'echo said; exit 7'),
  verb: () => attempt('start', 'short'),
  async check() {
    assert.equal(await untilExited('short'), 'exited 7');
    assert.equal(await ok('logs', 'short'), 'said');
    await checkStore(daemon);
    await ok('start', 'short');
    assert.equal(await untilExited('short'), 'exited 7');
    assert.equal(await ok('logs', 'short'), 'said\nsaid');
    await ok('rm', 'short');
  },
};

const startingLong: Case = {
  prepare: () =>
    ok('create', '--name', 'web', '-p', '8080:80', 'busybox', 'sh', '-c', 'echo page > /f; exec httpd -f -h /'),
  verb: () => attempt('start', 'web'),
  async check() {
    assert.equal(await state('web'), 'running 0');
    assert.match(await ok('inspect', '-f', '{{.NetworkSettings.IPAddress}}', 'web'), /^172\./);
    const address = await ok('inspect', '-f', '{{.NetworkSettings.IPAddress}}', 'web');
    await checkStore(daemon);
    assert.equal(await page(), 'page\n');
    assert.match((await attempt('run', '--rm', '-p', '8080:80', 'busybox', 'true')).stderr, /already allocated/);
    const others = await Promise.all(
      Array.from({ length: 4 }, () => ok('run', '--rm', 'busybox', 'ip', '-o', '-4', 'address', 'show', 'eth0')),
    );
    for (const other of others) assert.ok(!other.includes(`${address}/`), 'its address is its own');
    await ok('stop', '-t', '0', 'web');
    assert.equal(await state('web'), 'exited 137');
    assert.equal(await ok('run', '--rm', '-p', '8080:80', 'busybox', 'echo', 'free'), 'free');
    await ok('rm', 'web');
    await checkStore(daemon);
  },
};

const configuring: Case = {
  prepare: () => ok('create', '--name', 'old', '-v', '/v', 'busybox', 'sh', '-c', 'echo $(cat /v/f) $(hostname)'),
  async verb() {
    await ok('run', '--rm', '-v', 'named:/n', 'busybox', 'sh', '-c', 'echo kept > /n/f');
    await ask(daemon.socket, 'POST', '/v1.17/containers/old/start', { Binds: ['named:/v'] }).catch(() => {});
  },
  async check() {
    assert.equal(await state('old'), 'created 0');
    assert.match(await ok('start', '-a', 'old'), /^kept \w{12}$/);
    await ok('rm', '-v', 'old');
    assert.equal(await ok('volume', 'inspect', '-f', '{{.Name}}', 'named'), 'named');
    await ok('volume', 'rm', 'named');
    await checkStore(daemon);
  },
};

async function page(): Promise<string> {
  for (;;) {
    const text = await runIn(daemon.netns.path, [
      'busybox',
      'wget',
      '-T',
      '5',
      '-qO-',
      'http://127.0.0.1:8080/f',
    ]).catch(() => '');
    if (text !== '') return text;
    await sleep(20);
  }
}

const refused: Case = {
  prepare: () => ok('create', '--name', 'box', '-p', '8080:80', 'busybox', '/no/such'),
  verb: () => attempt('start', 'box'),
  async check() {
    await checkStore(daemon);
    assert.equal(await state('box'), 'created 127');
    assert.match((await attempt('start', 'box')).stderr, /no such file/);
    await ok('rm', 'box');
    assert.equal(await ok('run', '--rm', '-p', '8080:80', 'busybox', 'echo', 'free'), 'free');
  },
};

let execId = '';
/** A container that has a fresh exec, `execId`, which leaves its mark and has an exit code of its own. */
const withExec = (verb: () => Promise<unknown>, check: () => Promise<void>): Case => ({
  async prepare() {
    await ok('run', '-d', '--name', 'box', 'busybox', 'sleep', '1000');
    execId = await createExec();
  },
  verb,
  async check() {
    await check();
    assert.equal((await attempt('exec', 'box', 'sh', '-c', 'exit 6')).code, 6);
    await ok('rm', '-f', 'box');
    await checkStore(daemon);
  },
});

async function createExec(): Promise<string> {
  const body = { Cmd: ['sh', '-c', 'echo done > /mark; sleep 0.3; exit 9'] };
  return JSON.parse((await ask(daemon.socket, 'POST', '/containers/box/exec', body)).text || '{}').Id ?? '';
}

const startExec = () => ask(daemon.socket, 'POST', `/exec/${execId}/start`, { Detach: true }).catch(() => {});

/** Nobody was told of the one that was being made; the other waits for its start as before. */
const creatingExec = withExec(() => createExec().catch(() => {}), startedExec);

/** A creation makes ready what the start needs, while it is written down. Nothing has run yet: what is known can be started. */
const describingExec = withExec(
  () => createExec().catch(() => {}),
  async () => {
    const ids: string[] = JSON.parse(await ok('inspect', '-f', '{{json .ExecIDs}}', 'box'));
    execId = ids.find((id) => id !== execId) ?? execId;
    assert.equal((await attempt('exec', 'box', 'cat', '/mark')).code, 1);
    await startedExec();
  },
);

const runningExec = withExec(startExec, endOfExec);

const refusedExec = withExec(
  () => attempt('exec', 'box', 'missing'),
  async () => {
    assert.match((await attempt('exec', 'box', 'missing')).stdout, /executable file not found/);
    assert.deepEqual(JSON.parse(await ok('inspect', '-f', '{{json .ExecIDs}}', 'box')), [execId]);
  },
);

async function startedExec(): Promise<void> {
  await startExec();
  await endOfExec();
}

async function endOfExec(): Promise<void> {
  for (;;) {
    const { Running, ExitCode } = JSON.parse((await ask(daemon.socket, 'GET', `/exec/${execId}/json`)).text);
    if (!Running) {
      assert.equal(ExitCode, 9);
      assert.equal(await ok('exec', 'box', 'cat', '/mark'), 'done');
      return;
    }
    await sleep(20);
  }
}

const exiting: Case = {
  prepare: () => ok(...create('run', '-d')),
  async verb() {
    await attempt('wait', 'box');
  },
  async check() {
    assert.equal(await state('box'), 'exited 7');
    assert.equal(await ok('logs', 'box'), 'said');
    await checkStore(daemon);
    assert.equal(await ok('run', '--rm', '-p', '8080:80', 'busybox', 'echo', 'free'), 'free');
    await containerWorks();
  },
};

/** Its policy has it start again, also when the engine dies while it waits for that; its runs are all counted. */
const waitingToRestart: Case = {
  verb: () =>
    attempt('run', '-d', '--name', 'box', '--restart', 'on-failure:3', 'busybox', 'sh', '-c', 'echo x; exit 7'),
  async check() {
    assert.equal(await untilExited('box'), 'exited 7');
    assert.equal(await ok('inspect', '-f', '{{.RestartCount}}', 'box'), '3');
    assert.equal(await ok('logs', 'box'), 'x\nx\nx\nx');
    await checkStore(daemon);
    await ok('rm', 'box');
  },
};

/** Whom a user has stopped stays stopped, whether it ran or waited to. `from` matches its status and restarts before. */
const stopping = (script: string, from: RegExp): Case => ({
  async prepare() {
    await ok('run', '-d', '--name', 'box', '--restart', 'always', 'busybox', 'sh', '-c', script);
    const now = () => ok('inspect', '-f', '{{.State.Status}} {{.RestartCount}}', 'box');
    while (!from.test(await now())) await sleep(20);
  },
  verb: () => attempt('stop', '-t', '1', 'box'),
  async check() {
    if ((await state('box')).startsWith('running')) await ok('stop', '-t', '0', 'box'); // it was not told yet
    assert.match(await state('box'), /^exited/);
    await killEngine(daemon);
    assert.match(await state('box'), /^exited/);
    await checkStore(daemon);
    await ok('rm', 'box');
  },
});

/** A new daemon dies before it could start what it is to start. */
const startingWithDaemon: Case = {
  async prepare() {
    await ok('run', '-d', '--name', 'box', '--restart', 'always', 'busybox', 'sleep', '1000');
    await ok('stop', '-t', '0', 'box');
  },
  async verb() {
    await daemon.stop();
    await daemon.start().catch(() => {}); // an engine that never served ends the launcher
    await daemon.start();
  },
  async check() {
    while ((await state('box')) !== 'running 0') await sleep(20);
    await ok('rm', '-f', 'box');
    await checkStore(daemon);
  },
};

const vanishing: Case = {
  verb: () => attempt(...create('run', '-d', '--rm')),
  async check() {
    const { volumes, containers } = await checkStore(daemon);
    assert.deepEqual([anonymous(volumes), containers.size], [[], 0]);
    await ok(...create('create'));
    await containerWorks();
  },
};

const removing: Case = {
  async prepare() {
    await ok(...create('run', '-d'));
    await untilExited('box');
  },
  verb: () => attempt('rm', '-v', 'box'),
  async check() {
    assert.ok(!(await exists('box')));
    assert.equal((await attempt('rm', 'box')).code, 1);
    const { volumes, containers } = await checkStore(daemon);
    assert.deepEqual([anonymous(volumes), containers.size], [[], 0]);
    await ok(...create('create'));
    await containerWorks();
  },
};

// Networks

const bridges = async () =>
  lines(await runIn(daemon.netns.path, ['ip', '-o', 'link', 'show', 'type', 'bridge'])).length;
const networkNames = () => ok('network', 'ls', '-q', '-f', 'type=custom', '--format', '{{.Name}}');

/** A network is whole or not there: its row, its bridge; and its name can be had again. */
async function networkWorks(): Promise<void> {
  const there = (await networkNames()) === 'net';
  assert.equal(await bridges(), there ? 2 : 1, 'as many bridges as rows');
  if (!there) await ok('network', 'create', 'net');
  assert.match(
    await ok('run', '--rm', '--network', 'net', 'busybox', 'ip', '-o', '-4', 'address', 'show', 'eth0'),
    /172\./,
  );
  await ok('network', 'rm', 'net');
  assert.equal(await bridges(), 1);
}

const makingNetwork: Case = { verb: () => attempt('network', 'create', 'net'), check: networkWorks };
const removingNetwork: Case = {
  prepare: () => ok('network', 'create', 'net'),
  verb: () => attempt('network', 'rm', 'net'),
  check: networkWorks,
};

/** A running container has the link that inspect shows, or does not show, and a restart changes nothing. */
function rewiring(verb: 'connect' | 'disconnect'): Case {
  const links = async () =>
    lines(await runIn(await netnsOf('box'), ['ip', '-o', 'link', 'show', 'type', 'veth'])).length;
  const shown = () => ok('inspect', '-f', '{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}', 'box');
  return {
    async prepare() {
      await ok('network', 'create', 'net');
      await ok('run', '-d', '--name', 'box', 'busybox', 'sleep', '1000');
      if (verb === 'disconnect') await ok('network', 'connect', 'net', 'box');
    },
    verb: () => attempt('network', verb, 'net', 'box'),
    async check() {
      const names = lines((await shown()).replaceAll(' ', '\n'));
      assert.deepEqual(names, verb === 'connect' ? ['bridge', 'net'] : ['bridge']);
      assert.equal(await links(), names.length);
      await ok('restart', '-t', '0', 'box');
      assert.equal(await links(), names.length);
      await ok('rm', '-f', 'box');
      await ok('network', 'rm', 'net');
    },
  };
}

const netnsOf = (name: string) => ok('inspect', '-f', '{{.NetworkSettings.SandboxKey}}', name);

/** Frozen or not, `expected` is what both the kernel and the engine say then. */
function pausing(verb: 'pause' | 'unpause', expected: 'paused' | 'running'): Case {
  const script = 'while :; do date +%s%N >/now; sleep 0.01; done';
  const moment = async () => readFile(`/proc/${await ok('inspect', '-f', '{{.State.Pid}}', 'box')}/root/now`, 'utf8');
  return {
    async prepare() {
      await ok('run', '-d', '--name', 'box', 'busybox', 'sh', '-c', script);
      if (verb === 'unpause') await ok('pause', 'box');
    },
    verb: () => attempt(verb, 'box'),
    async check() {
      assert.equal(await state('box'), `${expected} 0`);
      if (expected === 'paused') {
        const before = await moment();
        await sleep(100);
        assert.equal(await moment(), before);
        await ok('unpause', 'box');
      }
      for (const before = await moment(); (await moment()) === before; await sleep(10));
      await ok('pause', 'box');
      await ok('rm', '-f', 'box');
      await checkStore(daemon);
    },
  };
}

const renaming: Case = {
  prepare: () => ok('create', '--name', 'old-name', 'busybox', 'true'),
  verb: () => attempt('rename', 'old-name', 'new-name'),
  async check() {
    assert.deepEqual([await exists('old-name'), await exists('new-name')], [false, true]);
    await ok('create', '--name', 'old-name', 'busybox', 'true');
    await ok('rm', 'old-name', 'new-name');
  },
};

const unlinking: Case = {
  async prepare() {
    await ok('run', '-d', '--name', 'box', 'busybox', 'sleep', '1000');
    await ok('run', '-d', '--name', 'web', '--link', 'box:store', 'busybox', 'sleep', '1000');
  },
  verb: () => attempt('rm', '--link', 'web/store'),
  async check() {
    assert.equal(await ok('inspect', '-f', '{{json .HostConfig.Links}}', 'web'), 'null');
    while ((await ok('exec', 'web', 'cat', '/etc/hosts')).includes('store')) await sleep(20);
    await ok('rm', '-f', 'web', 'box');
    await checkStore(daemon);
  },
};

/** The limit that inspect shows is the one that holds. */
const updating: Case = {
  prepare: () => ok('run', '-d', '--name', 'box', '--pids-limit', '50', 'busybox', 'sleep', '1000'),
  verb: () => attempt('update', '--pids-limit', '60', 'box'),
  async check() {
    assert.equal(await ok('inspect', '-f', '{{.HostConfig.PidsLimit}}', 'box'), '60');
    const id = await ok('inspect', '-f', '{{.Id}}', 'box');
    const [file] = await Array.fromAsync(glob(`/sys/fs/cgroup/{,pids/}wherry/${id}/pids.max`));
    assert.equal(await readFile(file!, 'utf8'), '60\n');
    await ok('rm', '-f', 'box');
  },
};

/** The next engine is killed while it starts; the one after it finds a store that is its own. */
const beginning: Case = {
  prepare: () => ok(...create('create')),
  verb: async () => process.kill(await daemon.enginePid(), 'SIGKILL'),
  check: containerWorks,
};

/** The rows are lost and made anew from the files; a repair that was cut short is done again. */
const repairing: Case = {
  async prepare() {
    await ok(...create('create'));
    await daemon.stop();
    for (const name of ['wherry.db', 'wherry.db-wal']) await rm(join(daemon.dataRoot, name), { force: true });
    await daemon.start();
  },
  verb: () => daemon.wherry(['system', 'check', '--repair']),
  async check() {
    const { code, stdout, stderr } = await repairStore(daemon);
    assert.equal(code, 0, `${stdout}${stderr}`);
    assert.deepEqual(await daemon.ok(['images', '--format', '{{.Repository}}:{{.Tag}}']), 'busybox:latest');
    await checkStore(daemon);
    await containerWorks();
  },
};

const cases: Record<WriteStep, Case | Case[]> = {
  'download.folder': pulling('absent'),
  'download.validator': pulling('absent'),
  'download.write': pulling('absent'),
  'download.restart': pulling('absent', damagedDownload),
  'download.kept': pulling('present', () => restart('--compressed-layers', 'keep')),
  'download.done': pulling('present'),
  'blob.create': loading('absent'),
  'blob.write': loading('absent'),
  'blob.fsync': loading('absent'),
  'blob.rename': loading('absent'),
  'blob.directory-fsync': loading('absent'),
  'layer.index.write': { ...loading('absent'), driver: 'erofs' },
  'layer.index.rename': { ...loading('absent'), driver: 'erofs' },
  'layer.extract.write': { ...loading('absent'), driver: 'overlay2' },
  'layer.extract.rename': { ...loading('absent'), driver: 'overlay2' },
  'layer.note.write': { ...loading('absent'), driver: 'vfs' },
  'layer.note.rename': { ...loading('absent'), driver: 'vfs' },
  'layer.apply': loading('absent'),
  'image.commit': [loading('present'), pulling('present')],
  'image.tag.commit': tagging,
  'image.push.blob': pushing,
  'image.push.commit': pushing,
  'image.remove.commit': untagging,
  'image.remove.blobs': untagging,
  'layer.remove.commit': untagging,
  'layer.remove.grave': { ...untagging, driver: 'overlay2' },
  'layer.remove.index': untagging,
  'layer.remove.blob': untagging,
  'volume.create.folder': creating('absent'),
  'volume.create.commit': creating('absent'),
  'volume.fill': creating('absent'),
  'volume.remove.commit': removing,
  'volume.remove.folder': removing,
  'volume.remove.done': removing,
  'network.create.commit': makingNetwork,
  'network.create.bridge': makingNetwork,
  'network.remove.bridge': removingNetwork,
  'network.remove.commit': removingNetwork,
  'network.rewire.kept': [rewiring('connect'), rewiring('disconnect')],
  'network.rewire.wired': [rewiring('connect'), rewiring('disconnect')],
  'network.rewire.saved': [rewiring('connect'), rewiring('disconnect')],
  'container.create.draft': creating('absent'),
  'container.create.layer': creating('absent'),
  'container.create.mounts': creating('absent'),
  'container.create.config': creating('absent'),
  'container.create.commit': creating('present'),
  'container.start.network': startingBefore,
  'container.start.mounted': startingBefore,
  'container.start.bundle': startingBefore,
  'container.start.running': [startingLong, startingShort],
  'container.start.configured': configuring,
  'container.start.saved': [startingLong, startingShort],
  'container.start.refused': refused,
  'exec.create': creatingExec,
  'exec.start.process': describingExec,
  'exec.start.running': runningExec,
  'exec.start.refused': refusedExec,
  'exec.end': runningExec,
  'container.pause.frozen': pausing('pause', 'running'),
  'container.pause.saved': pausing('pause', 'paused'),
  'container.unpause.thawed': pausing('unpause', 'running'),
  'container.unpause.saved': pausing('unpause', 'running'),
  'container.rename.saved': renaming,
  'container.unlink.saved': unlinking,
  'container.update.saved': updating,
  'container.update.applied': updating,
  'container.stop.noted': stopping('exec sleep 1000', /^running/),
  'container.restart.cancelled': stopping('exit 7', /^restarting [5-9]$/),
  'container.restart.wanted': startingWithDaemon,
  'container.exit.saved': [exiting, waitingToRestart],
  'container.exit.network': [exiting, vanishing],
  'container.exit.released': [exiting, vanishing],
  'container.remove.commit': [removing, vanishing],
  'container.remove.grave': removing,
  'container.remove.layer': [removing, vanishing],
  'container.remove.files': removing,
  'container.remove.volumes': removing,
  'container.remove.done': removing,
  'repair.image': repairing,
  'repair.container': repairing,
  'repair.volume': repairing,
  'store.announced': beginning,
  'store.marked': beginning,
  'store.advanced': beginning,
};

test('every write step has a case', () => {
  assert.deepEqual(Object.keys(cases).sort(), [...WRITE_STEPS].sort());
});

const runs = WRITE_STEPS.flatMap((step) => [cases[step]].flat().map((one, at) => ({ step, at, ...one })));
for (const { step, at, driver, prepare, verb, check } of runs) {
  test(`killed at ${step}${at > 0 ? ', another way' : ''}`, async () => {
    named = `named-${step}-${at}`;
    try {
      if (driver) await restart('--storage-driver', driver);
      await prepare?.();
      await killedAt(daemon, step, verb);
      await check();
    } finally {
      await clear();
    }
  });
}
