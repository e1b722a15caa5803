import { setTimeout as sleep } from 'node:timers/promises';
import { bigArchive } from './big-image.ts';
import { CONTAINER_ROWS, EXPORT_ROW } from './container-rows.ts';
import type { BenchEngine } from './engines.ts';
import { IMAGE_ROWS } from './image-rows.ts';
import { memoryOf, requestsPerSecond, run, timed } from './measure.ts';
import { PUSH_ROWS } from './push-rows.ts';
import { READ_ROWS } from './read-rows.ts';
import { REGISTRY_ROWS } from './registry-rows.ts';
import type { Row } from './row.ts';

const docker = (engine: BenchEngine, ...args: string[]) => run([...engine.cli, ...args]);
const removeAll = async (engine: BenchEngine) => {
  const ids = (await docker(engine, 'ps', '-aq')).split('\n').filter(Boolean);
  if (ids.length > 0) await docker(engine, 'rm', '-f', ...ids);
};

function runRow(name: string, goal: string, flags: string[]): Row {
  return {
    name: `run --rm busybox true, ${name}`,
    unit: 'ms',
    samples: 15,
    goal,
    before: async (engine) => void (await docker(engine, 'run', '--rm', ...flags, 'busybox', 'true')),
    measure: (engine) => timed(() => docker(engine, 'run', '--rm', ...flags, 'busybox', 'true')),
  };
}

function execRow(name: string, flags: string[]): Row {
  return {
    name: `exec true, ${name}`,
    unit: 'ms',
    samples: 25,
    goal: '<= 1/2.5',
    before: async (engine) => void (await docker(engine, 'run', '-d', '--name', 'box', 'busybox', 'sleep', '10000')),
    measure: (engine) => timed(() => docker(engine, 'exec', ...flags, 'box', 'true')),
    after: removeAll,
  };
}

const parallel: Row = {
  name: '20 parallel run -d',
  unit: 'ms',
  samples: 3,
  goal: '<= 1/5',
  measure: (engine) =>
    timed(() => Promise.all(Array.from({ length: 20 }, () => docker(engine, 'run', '-d', 'busybox', 'sleep', '1000')))),
  after: removeAll,
};

const load: Row = {
  name: 'load 600 MB, 33k files',
  unit: 'ms',
  samples: 3,
  goal: '<= 1/12',
  async measure(engine) {
    const archive = await bigArchive();
    await run([...engine.cli, 'rmi', '-f', 'big:latest'], { quiet: true });
    await run(['sync']);
    return timed(() => docker(engine, 'load', '-q', '-i', archive));
  },
};

/** Before rows that leave the image under other names, which would keep its layers. */
const remove: Row = {
  name: 'rmi of it',
  unit: 'ms',
  samples: 3,
  goal: '-',
  async measure(engine) {
    await docker(engine, 'load', '-q', '-i', await bigArchive());
    await run(['sync']);
    return timed(() => docker(engine, 'rmi', 'big:latest'));
  },
};

const FLOOD_BYTES = 200_000_000;
const flood: Row = {
  name: 'log flood, 200 MB of lines',
  unit: 'MB/s',
  samples: 2,
  goal: '>= 6 x',
  async measure(engine) {
    const script = `yes "the quick brown fox jumps over the lazy dog and then it does so again, and again, and yet again." | head -c ${FLOOD_BYTES}`;
    const driver = engine.name === 'podman' ? [] : ['--log-driver', 'json-file'];
    const ms = await timed(() =>
      docker(engine, 'run', '--name', 'flood', ...driver, '-d', 'busybox', 'sh', '-c', script).then(() =>
        docker(engine, 'wait', 'flood'),
      ),
    );
    await docker(engine, 'rm', 'flood');
    return FLOOD_BYTES / 1e6 / (ms / 1000);
  },
};

function requestRow(name: string, goal: string, containers: number, path: (id: string) => string): Row {
  return {
    name,
    unit: '/s',
    samples: 3,
    goal,
    async before(engine) {
      if (!engine.socket) return;
      const missing = containers - (await docker(engine, 'ps', '-q')).split('\n').filter(Boolean).length;
      for (let i = 0; i < missing; i++) await docker(engine, 'run', '-d', 'busybox', 'sleep', '10000');
      await this.measure(engine); // a daemon that has been up for a while
    },
    async measure(engine) {
      if (!engine.socket) return undefined;
      const id = (await docker(engine, 'ps', '-q')).split('\n')[0]!;
      return requestsPerSecond(engine.socket, path(id), { connections: 8, seconds: 3 });
    },
    after: containers === 100 ? removeAll : undefined,
  };
}

const idleMemory: Row = {
  name: 'memory per idle container (PSS)',
  unit: 'MB',
  samples: 1,
  goal: '<= 0.3 MB',
  async before(engine) {
    for (let i = 0; i < 10; i++) await docker(engine, 'run', '-d', 'busybox', 'sleep', '10000');
  },
  async measure(engine) {
    return memoryOf((command) => engine.containerProcess.test(command)).pss / 10;
  },
  after: removeAll,
};

/** Milliseconds without work after which a daemon is at rest: wherry's idle workers have ended, Go's heaps have shrunk. */
const REST = 60_000;

const daemonMemory = (when: string): Row => ({
  name: `daemon RSS ${when}`,
  unit: 'MB',
  samples: 1,
  goal: '<= 90 MB at rest',
  async before({ name }) {
    if (name === 'wherry') await sleep(REST); // one rest for all
  },
  async measure(engine) {
    if (!engine.socket) return undefined;
    return memoryOf((command, pid) => engine.daemonProcess.test(command) && pid !== process.pid).rss;
  },
});

/** In this order: what needs a fresh daemon first. */
export const ROWS: Row[] = [
  daemonMemory('at rest'),
  runRow('bridge', '<= 1/6', []),
  runRow('none', '<= 1/5', ['--network', 'none']),
  runRow('host', '-', ['--network', 'host']),
  execRow('without a terminal', []),
  execRow('with a terminal', ['-t']),
  ...CONTAINER_ROWS,
  parallel,
  flood,
  idleMemory,
  requestRow('GET /containers/{id}/json, 8 connections', '>= 8 x', 1, (id) => `/v1.44/containers/${id}/json`),
  requestRow('GET /containers/json, 1 container', '>= 1 x', 1, () => '/v1.44/containers/json'),
  requestRow('GET /containers/json, 100 containers', '>= 5 x', 100, () => '/v1.44/containers/json'),
  load,
  remove,
  ...IMAGE_ROWS,
  ...REGISTRY_ROWS,
  ...READ_ROWS,
  ...PUSH_ROWS,
  EXPORT_ROW,
  daemonMemory('after the bench'),
];
