/** What users do, each with all the steps that it takes, and what must hold when a fault cuts it short anywhere. */
import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DRIVERS, type DriverName } from '#graphdriver/driver.ts';
import type { WriteStep } from '#lib/write-steps.ts';
import { ask } from '#test/support/ask.ts';
import type { TestDaemon } from '#test/support/daemon.ts';
import { defaultDriver } from '#test/support/driver.ts';
import { repairStore } from '#test/support/faults.ts';
import { busyboxLayer, makeArchive } from '#test/support/images.ts';
import { runIn } from '#test/support/netns.ts';
import type { TestRegistry } from '#test/support/registry.ts';
import { putImage, type StoredImage } from '#test/support/registry-images.ts';
import { makeTar } from '#test/support/tar.ts';

export interface Scenario {
  name: string;
  /** The storage driver that takes the steps; default: that of the test daemon. */
  driver?: DriverName;
  prepare?(): Promise<unknown>;
  verb(): Promise<{ code: number; stderr: string } | undefined>;
  /** It starts another engine, which a disk that fails keeps from starting. */
  endsEngine?: true;
  /** The step from which on a cut loses nothing of it, as when the reply was there. */
  durable?: WriteStep;
  /** `done`: it must have happened; else it has, or not at all. Ends with the verb working and everything removed. */
  check(done: boolean): Promise<void>;
}

const REMOTE = '127.0.0.1:5000/app';

/** What scenarios load, import, and pull. */
export interface Inputs {
  archive: string;
  layer: string;
  remote?: StoredImage;
}

/** The registry is the caller's to close. */
export async function makeInputs(folder: string, registry: TestRegistry): Promise<Inputs> {
  const archive = join(folder, 'app.tar');
  const own = makeTar([{ name: 'own', body: 'own file\n' }]);
  await makeArchive(archive, [
    { layers: [await busyboxLayer(), own], tags: ['app:latest'], config: { Cmd: ['cat', '/own'] } },
  ]);
  const layer = join(folder, 'layer.tar');
  await writeFile(layer, makeTar([{ name: 'imported', body: 'imported\n' }]));
  const layers = [await busyboxLayer(), own];
  const remote = await putImage(registry, 'app', { layers, config: { Cmd: ['cat', '/own'] } }, 'latest');
  return { archive, layer, remote };
}

/** `wherry system check` finds nothing. */
export async function assertSound({ socket }: TestDaemon): Promise<void> {
  const { text } = await ask(socket, 'POST', '/system/check');
  const found = text.split('\n').filter((line) => line.includes('"problem"'));
  assert.deepEqual(found, []);
  assert.match(text, /"summary"/);
}

/** By name; the names are `scenarioNames`. */
export function scenarios(daemon: TestDaemon, inputs: Inputs): Map<string, Scenario> {
  const ok = (...args: string[]) => daemon.ok(args);
  const attempt = (...args: string[]) => daemon.docker(args);
  const exists = async (type: string, name: string) => (await attempt(type, 'inspect', name)).code === 0;
  const state = (name: string) => ok('inspect', '-f', '{{.State.Status}}', name);

  /** Whether it happened; it must have when `done`. */
  async function happened(done: boolean, look: Promise<boolean>): Promise<boolean> {
    const found = await look;
    if (done) assert.ok(found, 'what was done is there');
    return found;
  }

  /** Also what an engine that started on a full disk has put off to the next one. */
  async function startAgain() {
    await daemon.stop();
    return daemon.start().then(
      () => undefined,
      ({ message }: Error) => ({ code: 1, stderr: message }),
    );
  }

  // Images

  /** Each takes steps of its own. */
  const otherDrivers = DRIVERS.filter((name) => name !== defaultDriver);
  const load = ['load', '-q', '-i', inputs.archive];
  const loading = (driver?: DriverName): Scenario => ({
    name: driver ? `load with ${driver}` : 'load',
    driver,
    verb: () => attempt(...load),
    durable: 'image.commit',
    async check(done) {
      if (!(await happened(done, exists('image', 'app')))) await ok(...load);
      assert.equal(await ok('run', '--rm', 'app'), 'own file');
      await ok('rmi', 'app');
    },
  });

  const untagging = (driver?: DriverName): Scenario => ({
    name: driver ? `rmi with ${driver}` : 'rmi',
    driver,
    prepare: () => ok(...load),
    verb: () => attempt('rmi', 'app'),
    durable: 'image.remove.commit',
    async check(done) {
      if (
        !(await happened(
          done,
          exists('image', 'app').then((there) => !there),
        ))
      )
        await ok('rmi', 'app');
      await ok(...load);
      assert.equal(await ok('run', '--rm', 'app'), 'own file');
      await ok('rmi', 'app');
    },
  });

  const tagging: Scenario = {
    name: 'tag',
    verb: () => attempt('tag', 'busybox', 'other'),
    durable: 'image.tag.commit',
    async check(done) {
      if (!(await happened(done, exists('image', 'other')))) await ok('tag', 'busybox', 'other');
      assert.equal(await ok('run', '--rm', 'other', 'echo', 'tagged'), 'tagged');
      await ok('rmi', 'other');
    },
  };

  const importing: Scenario = {
    name: 'import',
    verb: () => attempt('import', inputs.layer, 'imported'),
    durable: 'image.commit',
    async check(done) {
      if (!(await happened(done, exists('image', 'imported')))) await ok('import', inputs.layer, 'imported');
      await ok('create', '--name', 'box', 'imported', '/none');
      assert.match(await ok('export', 'box'), /imported/);
      await ok('rm', 'box');
      await ok('rmi', 'imported');
    },
  };

  const committing: Scenario = {
    name: 'commit',
    prepare: () => ok('run', '--name', 'box', 'busybox', 'sh', '-c', 'echo changed > /changed'),
    verb: () => attempt('commit', 'box', 'committed'),
    durable: 'image.commit',
    async check(done) {
      if (!(await happened(done, exists('image', 'committed')))) await ok('commit', 'box', 'committed');
      assert.equal(await ok('run', '--rm', 'committed', 'cat', '/changed'), 'changed');
      await ok('rm', 'box');
      await ok('rmi', 'committed');
    },
  };

  /** What has come of a layer is gone on with, also when it is not what the layer is. */
  const pulling = (name: string, prepare?: Scenario['prepare']): Scenario => ({
    name,
    prepare,
    verb: () => attempt('pull', REMOTE),
    durable: 'image.commit',
    async check(done) {
      await happened(done, exists('image', REMOTE));
      await ok('pull', REMOTE);
      assert.equal(await ok('run', '--rm', REMOTE), 'own file');
      await ok('rmi', REMOTE);
    },
  });
  async function keepingCompressed(): Promise<void> {
    await daemon.stop();
    await daemon.start(['--compressed-layers', 'keep']);
  }
  async function damagedDownload(): Promise<void> {
    const name = `download-${inputs.remote!.layers[1]!.digest.replace('sha256:', '')}`;
    const path = join(daemon.dataRoot, 'content/ingest', name);
    await mkdir(path, { recursive: true });
    await writeFile(join(path, 'blob'), Buffer.alloc(20));
  }

  let pushes = 0;
  const pushed = () => `127.0.0.1:5000/pushed-${pushes}`;
  /** Each to another repository, so that there is something to send. */
  const pushing: Scenario = {
    name: 'push',
    async prepare() {
      pushes++;
      await ok('tag', 'busybox', pushed());
    },
    verb: () => attempt('push', pushed()),
    durable: 'image.push.commit',
    async check(done) {
      const digests = await ok('inspect', '-f', '{{json .RepoDigests}}', 'busybox');
      if (done) assert.match(digests, /pushed-\d+@sha256:/);
      const digest = /digest: (sha256:[0-9a-f]{64})/.exec(await ok('push', pushed()))![1];
      const now = await ok('inspect', '-f', '{{json .RepoDigests}}', 'busybox');
      assert.ok(now.includes(`${pushed()}@${digest}`), now);
      await ok('rmi', pushed());
    },
  };

  // Containers

  const script = 'cat /anonymous/f /named/passwd > /dev/null; echo said > /anonymous/f; sleep 0.1; exit 7';
  const create = (...verb: string[]) => [
    ...[
      ...verb,
      '--name',
      'box',
      '-p',
      '8080:80',
      '-v',
      'named:/etc',
      '-v',
      '/anonymous',
      'busybox',
      'sh',
      '-c',
      script,
    ],
  ];

  async function untilEnded(name: string): Promise<string> {
    for (;;) {
      const now = await ok('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', name);
      if (now.startsWith('exited')) return now;
      await sleep(20);
    }
  }

  /** It runs to its end, its volumes are whole, and it goes with all that it had. */
  async function boxWorks(): Promise<void> {
    await ok('start', 'box');
    assert.equal(await untilEnded('box'), 'exited 7');
    assert.equal(await ok('run', '--rm', '-v', 'named:/named', 'busybox', 'tail', '-n1', '/named/passwd'), PASSWD);
    await ok('rm', '-v', 'box');
    await ok('volume', 'rm', 'named');
  }
  const PASSWD = 'nobody:x:65534:65534::/home:/bin/false';

  const creating: Scenario = {
    name: 'create',
    verb: () => attempt(...create('create')),
    durable: 'container.create.commit',
    async check(done) {
      if (!(await happened(done, exists('container', 'box')))) await ok(...create('create'));
      await boxWorks();
    },
  };

  const running: Scenario = {
    name: 'start, until its end',
    prepare: () => ok(...create('create')),
    async verb() {
      const started = await attempt('start', 'box');
      if (started.code === 0) await attempt('wait', 'box');
      return started;
    },
    async check() {
      assert.match(await state('box'), /^(created|running|exited)$/);
      await attempt('wait', 'box');
      await boxWorks();
    },
  };

  const configuring: Scenario = {
    name: 'start with a host config',
    prepare: () => ok('create', '--name', 'box', '-v', '/v', 'busybox', 'sh', '-c', 'cat /v/passwd | tail -n1'),
    async verb() {
      const { status, text } = await ask(daemon.socket, 'POST', '/v1.17/containers/box/start', {
        Binds: ['named:/v'],
      });
      if (status < 300) await attempt('wait', 'box');
      return { code: status < 300 ? 0 : 1, stderr: text };
    },
    async check() {
      await attempt('start', '-a', 'box');
      await ok('rm', '-v', 'box');
      await ok('volume', 'rm', '-f', 'named');
      await ok('volume', 'prune', '-af');
    },
  };

  const refused: Scenario = {
    name: 'start of what cannot be started',
    prepare: () => ok('create', '--name', 'box', '-p', '8080:80', 'busybox', '/no/such'),
    verb: () => attempt('start', 'box').then(() => undefined),
    async check() {
      assert.match((await attempt('start', 'box')).stderr, /no such file/);
      await ok('rm', 'box');
      assert.equal(await ok('run', '--rm', '-p', '8080:80', 'busybox', 'echo', 'free'), 'free');
    },
  };

  const vanishing: Scenario = {
    name: 'run --rm',
    verb: async () => {
      const ran = await attempt(...create('run', '--rm'));
      return ran.code === 7 ? undefined : ran;
    },
    async check() {
      await ok('rm', '-f', '-v', 'box').catch(() => '');
      await ok('volume', 'rm', '-f', 'named');
      await ok(...create('create'));
      await boxWorks();
    },
  };

  const removing: Scenario = {
    name: 'rm -v',
    prepare: () => ok(...create('create')),
    verb: () => attempt('rm', '-v', 'box'),
    durable: 'container.remove.commit',
    async check(done) {
      const gone = await happened(
        done,
        exists('container', 'box').then((there) => !there),
      );
      assert.deepEqual((await ok('volume', 'ls', '-q')).split('\n').length, gone ? 1 : 2);
      if (gone) await ok(...create('create'));
      await boxWorks();
    },
  };

  const sleeper = () => ok('run', '-d', '--name', 'box', '--pids-limit', '50', 'busybox', 'sleep', '1000');
  /** After a cut it does not run any more. */
  async function sleeperWorks(): Promise<void> {
    if ((await state('box')) === 'paused') await ok('unpause', 'box');
    await ok('start', 'box');
    assert.equal((await attempt('exec', 'box', 'sh', '-c', 'exit 6')).code, 6);
    await ok('rm', '-f', 'box');
  }
  const ofSleeper = (name: string, ...args: string[]): Scenario => ({
    name,
    prepare: sleeper,
    verb: () => attempt(...args),
    check: sleeperWorks,
  });

  /** Whom a user has stopped stays stopped, whether it ran or waited to run again. */
  const stopping = (name: string, command: string, from: RegExp): Scenario => ({
    name,
    async prepare() {
      await ok('run', '-d', '--name', 'box', '--restart', 'unless-stopped', 'busybox', 'sh', '-c', command);
      const now = () => ok('inspect', '-f', '{{.State.Status}} {{.RestartCount}}', 'box');
      while (!from.test(await now())) await sleep(20);
    },
    verb: () => attempt('stop', '-t', '1', 'box'),
    async check(done) {
      if (!done) await ok('stop', '-t', '0', 'box');
      assert.equal(await state('box'), 'exited');
      await ok('rm', 'box');
    },
  });

  const startingWithDaemon: Scenario = {
    ...{ name: 'start of the engine, and of a container with it', endsEngine: true },
    prepare: () => ok('run', '-d', '--name', 'box', '--restart', 'always', 'busybox', 'sleep', '1000'),
    verb: startAgain,
    async check() {
      await startAgain();
      while ((await state('box')) !== 'running') await sleep(20);
      await ok('rm', '-f', 'box');
    },
  };

  const pausing: Scenario = {
    ...ofSleeper('pause and unpause', 'pause', 'box'),
    async verb() {
      const paused = await attempt('pause', 'box');
      return paused.code === 0 ? attempt('unpause', 'box') : paused;
    },
  };

  const updating: Scenario = {
    ...ofSleeper('update', 'update', '--pids-limit', '60', 'box'),
    durable: 'container.update.saved',
    async check(done) {
      const limit = await ok('inspect', '-f', '{{.HostConfig.PidsLimit}}', 'box');
      assert.ok(limit === '60' || (!done && limit === '50'), limit);
      await sleeperWorks();
    },
  };

  const renaming: Scenario = {
    name: 'rename',
    prepare: () => ok('create', '--name', 'old-name', 'busybox', 'true'),
    verb: () => attempt('rename', 'old-name', 'new-name'),
    durable: 'container.rename.saved',
    async check(done) {
      const renamed = await happened(done, exists('container', 'new-name'));
      await ok('rm', renamed ? 'new-name' : 'old-name');
      await ok('rm', await ok('create', '--name', 'old-name', 'busybox'));
    },
  };

  const unlinking: Scenario = {
    name: 'rm --link',
    async prepare() {
      await ok('create', '--name', 'box', 'busybox', 'true');
      await ok('create', '--name', 'web', '--link', 'box:store', 'busybox', 'true');
    },
    verb: () => attempt('rm', '--link', 'web/store'),
    durable: 'container.unlink.saved',
    async check(done) {
      const links = await ok('inspect', '-f', '{{json .HostConfig.Links}}', 'web');
      assert.ok(links === 'null' || (!done && links === '["/box:/web/store"]'), links);
      await ok('rm', 'web', 'box');
    },
  };

  /** Execs live in the run folder, which is no disk: their steps touch the data-root's disk by chance only. */
  const executing: Scenario = {
    ...ofSleeper('exec', 'exec', 'box', 'sh', '-c', 'echo done > /mark'),
    async check() {
      await sleeperWorks();
    },
  };
  const refusedExec: Scenario = {
    ...ofSleeper('exec of what is not there'),
    verb: () => attempt('exec', 'box', 'missing').then(() => undefined),
  };

  // Volumes and networks

  const volumes: Scenario = {
    name: 'volume create',
    verb: () => attempt('volume', 'create', 'named'),
    durable: 'volume.create.commit',
    async check(done) {
      if (!(await happened(done, exists('volume', 'named')))) await ok('volume', 'create', 'named');
      await ok('run', '--rm', '-v', 'named:/data', 'busybox', 'touch', '/data/f');
      await ok('volume', 'rm', 'named');
    },
  };

  const noVolumes: Scenario = {
    name: 'volume rm',
    prepare: () => ok('volume', 'create', 'named'),
    verb: () => attempt('volume', 'rm', 'named'),
    durable: 'volume.remove.commit',
    async check(done) {
      if (
        !(await happened(
          done,
          exists('volume', 'named').then((there) => !there),
        ))
      )
        await ok('volume', 'rm', 'named');
      await ok('volume', 'rm', await ok('volume', 'create', 'named'));
    },
  };

  const bridges = async () =>
    (await runIn(daemon.netns.path, ['ip', '-o', 'link', 'show', 'type', 'bridge'])).split('\n').filter(Boolean).length;

  async function networkWorks(): Promise<void> {
    const there = await exists('network', 'net');
    assert.equal(await bridges(), there ? 2 : 1, 'as many bridges as networks');
    if (!there) await ok('network', 'create', 'net');
    assert.match(await ok('run', '--rm', '--network', 'net', 'busybox', 'ip', '-o', 'address'), /172\./);
    await ok('network', 'rm', 'net');
    assert.equal(await bridges(), 1);
  }

  const networks: Scenario = {
    name: 'network create',
    verb: () => attempt('network', 'create', 'net'),
    durable: 'network.create.commit',
    async check(done) {
      await happened(done, exists('network', 'net'));
      await networkWorks();
    },
  };

  const noNetworks: Scenario = {
    name: 'network rm',
    prepare: () => ok('network', 'create', 'net'),
    verb: () => attempt('network', 'rm', 'net'),
    durable: 'network.remove.commit',
    async check(done) {
      await happened(
        done,
        exists('network', 'net').then((there) => !there),
      );
      await networkWorks();
    },
  };

  const rewiring: Scenario = {
    name: 'network connect and disconnect',
    async prepare() {
      await ok('network', 'create', 'net');
      await sleeper();
    },
    async verb() {
      const connected = await attempt('network', 'connect', 'net', 'box');
      return connected.code === 0 ? attempt('network', 'disconnect', 'net', 'box') : connected;
    },
    async check(done) {
      const shown = await ok('inspect', '-f', '{{range $n, $_ := .NetworkSettings.Networks}}{{$n}} {{end}}', 'box');
      assert.match(shown, done ? /^bridge $/ : /^bridge (net )?$/);
      await ok('restart', '-t', '0', 'box');
      await sleeperWorks();
      await networkWorks();
    },
  };

  // The store

  const beginning: Scenario = {
    name: 'start of the engine',
    prepare: () => ok(...create('create')),
    verb: startAgain,
    endsEngine: true,
    async check() {
      await startAgain();
      await boxWorks();
    },
  };

  const repairing: Scenario = {
    name: 'repair',
    async prepare() {
      await ok(...create('create'));
      await daemon.stop();
      for (const name of ['wherry.db', 'wherry.db-wal']) await rm(join(daemon.dataRoot, name), { force: true });
      await daemon.start();
    },
    verb: () => repairStore(daemon),
    endsEngine: true,
    async check() {
      const { code, stdout, stderr } = await repairStore(daemon);
      assert.equal(code, 0, `${stdout}${stderr}`);
      assert.equal(await ok('images', '--format', '{{.Repository}}:{{.Tag}}'), 'busybox:latest');
      await boxWorks();
    },
  };

  const all = [
    ...[loading(), ...otherDrivers.map(loading), untagging(), untagging('overlay2'), tagging],
    ...[importing, committing, pulling('pull'), pulling('pull of what came wrong', damagedDownload)],
    ...[pulling('pull that keeps layers as they came', keepingCompressed), pushing],
    ...[
      stopping('stop', 'exec sleep 1000', /^running/),
      stopping('stop of what waits', 'exit 7', /^restarting [5-9]$/),
      startingWithDaemon,
    ],
    ...[creating, running, configuring, refused, vanishing, removing, pausing, updating, renaming, unlinking],
    ...[executing, refusedExec, volumes, noVolumes, networks, noNetworks, rewiring, beginning, repairing],
  ];
  return new Map(all.map((scenario) => [scenario.name, scenario]));
}

/** Known without a daemon: nothing is done until a scenario is asked for. */
export const scenarioNames = [...scenarios({} as TestDaemon, { archive: '', layer: '' }).keys()];
