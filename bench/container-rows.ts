import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bigArchive } from './big-image.ts';
import type { BenchEngine } from './engines.ts';
import { run, timed } from './measure.ts';
import type { Row } from './row.ts';

/** What is done to and with containers that are there. */

const docker = (engine: BenchEngine, ...args: string[]) => run([...engine.cli, ...args]);
const inShell = (engine: BenchEngine, line: string) => run(['sh', '-c', `"$@" ${line}`, 'sh', ...engine.cli]);

/**
 * Files that are copied in and out, and where copies go: in memory, because ext4 searches long for free inodes in the
 * minutes after many have been deleted, whoever makes the next ones.
 */
const folder = `/dev/shm/wherry-bench-files-${process.pid}`;
const MEGABYTES = 500;
const SMALL_FILES = 20_000;

function makeFiles(): void {
  if (existsSync(folder)) return;
  mkdirSync(join(folder, 'small'), { recursive: true });
  const piece = Buffer.alloc(1 << 20, 'wherry ');
  for (let i = 0; i < MEGABYTES; i++) writeFileSync(join(folder, 'large'), piece, { flag: 'a' });
  for (let i = 0; i < SMALL_FILES; i++) {
    if (i % 200 === 0) mkdirSync(join(folder, 'small', String(i / 200)));
    writeFileSync(join(folder, 'small', String(Math.floor(i / 200)), `file-${i}`), `content of file ${i}\n`);
  }
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
}

const box = async (engine: BenchEngine) => {
  await docker(engine, 'run', '-d', '--name', 'box', 'busybox', 'sleep', '10000');
};
const noBox = async (engine: BenchEngine) => {
  await docker(engine, 'rm', '-f', '-t', '0', 'box').catch(() => docker(engine, 'rm', '-f', 'box'));
};

const restart: Row = {
  name: 'restart -t 0',
  unit: 'ms',
  samples: 9,
  goal: '<= 1/2',
  before: box,
  measure: (engine) => timed(() => docker(engine, 'restart', '-t', '0', 'box')),
  after: noBox,
};

const commit: Row = {
  name: `commit of ${MEGABYTES} MB changed`,
  unit: 'ms',
  samples: 3,
  goal: '<= 1/2',
  async before(engine) {
    await box(engine);
    await docker(engine, 'exec', 'box', 'dd', 'if=/dev/urandom', 'of=/changed', 'bs=1M', `count=${MEGABYTES}`);
  },
  async measure(engine) {
    const ms = await timed(() => docker(engine, 'commit', 'box', 'changed:bench'));
    await docker(engine, 'rmi', '-f', 'changed:bench');
    await run(['sync']);
    return ms;
  },
  after: noBox,
};

/** podman has but one client, so its figures are of the same in both. */
const COPY_CLIENTS = { cli: "docker's client for wherry and dockerd", ownCli: "each engine's own client" };

function copyRow(way: 'in' | 'out', file: 'large' | 'small', client: keyof typeof COPY_CLIENTS): Row {
  const what = file === 'large' ? `${MEGABYTES} MB` : `${SMALL_FILES.toLocaleString('en')} small files`;
  return {
    name: `cp ${way}, ${what}, ${COPY_CLIENTS[client]}`,
    unit: 'ms',
    samples: file === 'large' ? 5 : 1,
    goal: '<= 1/2',
    async before(engine) {
      makeFiles();
      await box(engine);
      if (way === 'out')
        await docker(engine, 'cp', '-q', join(folder, file), 'box:/copied').catch(() => copyIn(engine));
      async function copyIn({ cli }: BenchEngine) {
        await run([...cli, 'cp', join(folder, file), 'box:/copied']); // podman has no -q
      }
    },
    async measure(engine) {
      const here = join(folder, `copy-${engine.name}`);
      const line = way === 'in' ? [join(folder, file), 'box:/copied'] : ['box:/copied', here];
      const ms = await timed(() => run([...engine[client], 'cp', ...line]));
      if (file === 'large' && way === 'in') await docker(engine, 'exec', 'box', 'rm', '/copied');
      rmSync(here, { recursive: true, force: true });
      await run(['sync']);
      return ms;
    },
    after: noBox,
  };
}

const bigBox = async (engine: BenchEngine) => {
  await docker(engine, 'load', '-q', '-i', await bigArchive());
  await docker(engine, 'run', '-d', '--name', 'box', 'big:latest', 'sleep', '10000').catch(() =>
    docker(engine, 'create', '--name', 'box', 'big:latest', '/bin/true'),
  );
};

const diff: Row = {
  name: 'diff, an image of 33k files',
  unit: 'ms',
  samples: 9,
  goal: '<= 1/2.5',
  before: bigBox,
  measure: (engine) => timed(() => docker(engine, 'diff', 'box')),
  after: noBox,
};

/** dockerd 26 keeps the layers of what it has exported, image and container gone or not: later loads would find them. */
export const EXPORT_ROW: Row = {
  name: 'export, an image of 33k files',
  unit: 'ms',
  samples: 3,
  goal: '<= 1/2',
  before: bigBox,
  measure: (engine) => timed(() => inShell(engine, 'export box > /dev/null')),
  after: noBox,
};

const STATS_SECONDS = 10;

const stats: Row = {
  name: `stats of 100 containers for ${STATS_SECONDS} s: CPU of the daemon`,
  unit: 'ms',
  samples: 1,
  goal: '<= 1/2',
  async before(engine) {
    if (!engine.socket) return;
    const one = () => docker(engine, 'run', '-d', '--network', 'none', 'busybox', 'sleep', '10000');
    for (let i = 0; i < 25; i++) await Promise.all([one(), one(), one(), one()]);
  },
  async measure(engine) {
    if (!engine.socket) return undefined;
    const watching = run(['timeout', String(STATS_SECONDS + 5), ...engine.cli, 'stats'], { quiet: true });
    await sleep(4000);
    const before = cpuOf(engine);
    await sleep(STATS_SECONDS * 1000);
    const used = cpuOf(engine) - before;
    await watching;
    return used;
  },
  async after(engine) {
    if (!engine.socket) return;
    await docker(engine, 'rm', '-f', ...(await docker(engine, 'ps', '-aq')).split('\n').filter(Boolean));
  },
};

/** Processor time in ms of the daemon and of what it has per container. */
function cpuOf({ daemonProcess, containerProcess }: BenchEngine): number {
  let ticks = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      if (Number(pid) === process.pid || !(daemonProcess.test(command) || containerProcess.test(command))) continue;
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      ticks += Number(fields[11]) + Number(fields[12]);
    } catch {} // the process ended meanwhile
  }
  return ticks * 10;
}

export const CONTAINER_ROWS: Row[] = [
  restart,
  commit,
  copyRow('in', 'large', 'cli'),
  copyRow('out', 'large', 'cli'),
  copyRow('in', 'small', 'cli'),
  copyRow('out', 'small', 'cli'),
  copyRow('in', 'large', 'ownCli'),
  copyRow('out', 'large', 'ownCli'),
  copyRow('in', 'small', 'ownCli'),
  copyRow('out', 'small', 'ownCli'),
  diff,
  stats,
];
