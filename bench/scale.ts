/**
 * `scale.ts [word ...]`: how wherry grows, as docs/user/limits.md says: many images, deep images, a large layer. Prints a
 * table; with words only the measurements whose names contain one. Needs some GB in `.cache` and /var/tmp.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { cpus, release } from 'node:os';
import { join, resolve } from 'node:path';
import { ask } from '../test/support/ask.ts';
import { startDaemon, type TestDaemon } from '../test/support/daemon.ts';
import { busyboxLayer, makeArchive } from '../test/support/images.ts';
import { makeTar, tarHeader } from '../test/support/tar.ts';
import { layeredArchive } from './big-image.ts';
import { completeCgroups } from './engines.ts';
import { manyImages } from './many-images.ts';
import { median, run, timed } from './measure.ts';

const cache = resolve(import.meta.dirname, '../.cache');
const MIB = 1 << 20;

type Report = (what: string, value: string, goal?: string) => void;
type Measurement = (daemon: TestDaemon, report: Report) => Promise<void>;

const ms = (value: number) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
const seconds = (value: number) => `${(value / 1000).toFixed(1)} s`;

async function repeated(times: number, work: () => Promise<unknown>): Promise<number> {
  const samples: number[] = [];
  for (let i = 0; i < times; i++) samples.push(await timed(work));
  return median(samples);
}

/** Of the engine: resident memory in MiB, and the most that it ever was. */
async function memory(daemon: TestDaemon): Promise<{ rss: number; peak: number }> {
  const status = readFileSync(`/proc/${await daemon.enginePid()}/status`, 'utf8');
  const field = (name: string) => Math.round(Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)![1]) / 1024);
  return { rss: field('VmRSS'), peak: field('VmHWM') };
}

/** Processor time in ms that the engine has used so far, in all its threads. */
async function cpuTime(daemon: TestDaemon): Promise<number> {
  const fields = readFileSync(`/proc/${await daemon.enginePid()}/stat`, 'utf8')
    .split(') ')[1]!
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10; // USER_HZ is 100
}

async function startTime(daemon: TestDaemon): Promise<string> {
  const [times, cpu]: number[][] = [[], []];
  for (let i = 0; i < 3; i++) {
    await daemon.stop();
    times!.push(await timed(() => daemon.start()));
    cpu!.push(await cpuTime(daemon));
  }
  return `${ms(median(times!))}, ${ms(median(cpu!))} of a processor`;
}

/** The median of ten, and the processor time of each. */
async function answerTime(daemon: TestDaemon, work: () => Promise<unknown>): Promise<string> {
  const before = await cpuTime(daemon);
  const time = await repeated(10, work);
  return `${ms(time)}, ${ms(((await cpuTime(daemon)) - before) / 10)} of a processor`;
}

const IMAGES = 10_000;

const many: Measurement = async (daemon, report) => {
  const before = await memory(daemon);
  const folder = join(cache, 'many-images-1');
  const archives = existsSync(join(folder, 'complete'))
    ? Array.from({ length: IMAGES / 1000 }, (_, at) => join(folder, `images-${at * 1000}.tar`))
    : await manyImages(folder, IMAGES).then(async (paths) => {
        await (await open(join(folder, 'complete'), 'w')).close();
        return paths;
      });
  const loading = await timed(async () => {
    for (const archive of archives) await daemon.ok(['load', '-q', '-i', archive]);
  });
  report('load 10,000 images, 1000 in an archive', seconds(loading));
  const list = () => ask(daemon.socket, 'GET', '/images/json');
  report('start of the engine with them', await startTime(daemon), '< 1 s');
  report('list them, for the first time', ms(await timed(list)), '< 100 ms');
  report('list them (GET /images/json)', await answerTime(daemon, list), '< 100 ms');
  report('list one of them by name', ms(await repeated(10, () => ask(daemon.socket, 'GET', FILTERED))));
  report('inspect one of them', ms(await repeated(10, () => ask(daemon.socket, 'GET', '/images/many/image-77/json'))));
  report('tag one of them', ms(await repeated(5, () => daemon.ok(['tag', 'many/image-77', 'other']))));
  const { rss, peak } = await memory(daemon);
  report('RSS of the engine with them (with one image)', `${rss} MiB, at most ${peak} (${before.rss})`, 'bounded');
};
const FILTERED = `/images/json?filters=${encodeURIComponent('{"reference":["many/image-77"]}')}`;

const DEEP = 127;

const deep: Measurement = async (daemon, report) => {
  const archive = join(cache, 'deep-1.tar');
  const own = Array.from({ length: DEEP - 1 }, (_, at) => makeTar([{ name: `layer-${at}`, body: `${at}\n` }]));
  await makeArchive(archive, [
    { layers: [await busyboxLayer(), ...own], tags: ['deep:latest'], config: { Cmd: ['sh'] } },
  ]);
  report(`load an image of ${DEEP} layers`, ms(await timed(() => daemon.ok(['load', '-q', '-i', archive]))));
  const runOf = (image: string) => timed(() => daemon.ok(['run', '--rm', image, 'true']));
  for (const image of ['deep', 'busybox']) await runOf(image);
  const samples: Record<'deep' | 'busybox', number[]> = { deep: [], busybox: [] };
  for (let i = 0; i < 15; i++)
    for (const image of ['deep', 'busybox'] as const) samples[image].push(await runOf(image));
  const [deepRun, flatRun] = [median(samples.deep), median(samples.busybox)];
  report(
    `run of ${DEEP} layers (of one)`,
    `${ms(deepRun)} (${ms(flatRun)}), ${(deepRun / flatRun).toFixed(2)} x`,
    '<= 1.5 x',
  );
  report(`rmi of ${DEEP} layers`, ms(await timed(() => daemon.ok(['rmi', 'deep']))));
};

const sixty: Measurement = async (daemon, report) => {
  const archive = await layeredArchive();
  report('load an image of 60 layers, 300 MB', ms(await timed(() => daemon.ok(['load', '-q', '-i', archive]))));
  const saved = `${archive}.saved`;
  report('save it', ms(await timed(() => daemon.ok(['save', '-o', saved, 'layered']))));
  await rm(saved);
  report('rmi it', ms(await timed(() => daemon.ok(['rmi', 'layered']))));
};

const LARGE = 20 * 1024 * MIB;

/** Beyond 8 GiB the size is in a PAX record. */
const largeHeader = (name: string, size: number) => tarHeader({ name, pax: { size: String(size) } }, 0);

/** A layer whose tar has one file of 20 GB: zeros, which neither the archive nor the store keep on the disk. */
async function largeArchive(): Promise<string> {
  const path = join(cache, 'large-1.tar');
  if (existsSync(path)) return path;
  const header = largeHeader('large', LARGE);
  const hash = createHash('sha256').update(header);
  const zeros = Buffer.alloc(16 * MIB);
  for (let left = LARGE + 1024; left > 0; left -= zeros.length)
    hash.update(zeros.subarray(0, Math.min(left, zeros.length)));
  const config = Buffer.from(
    JSON.stringify({
      ...{ architecture: 'amd64', os: 'linux', config: {} },
      rootfs: { type: 'layers', diff_ids: [`sha256:${hash.digest('hex')}`] },
    }),
  );
  const manifest = Buffer.from(
    JSON.stringify([{ Config: 'config.json', RepoTags: ['large:latest'], Layers: ['layer.tar'] }]),
  );
  const size = header.length + LARGE + 1024;
  const archive = await open(`${path}.new`, 'w');
  const padded = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 511)]);
  const front = Buffer.concat([
    padded(Buffer.concat([tarHeader({ name: 'config.json' }, config.length), config])),
    padded(Buffer.concat([tarHeader({ name: 'manifest.json' }, manifest.length), manifest])),
    largeHeader('layer.tar', size),
  ]);
  await archive.write(Buffer.concat([front, header]));
  await archive.truncate(front.length + size + 1024);
  await archive.close();
  renameSync(`${path}.new`, path);
  return path;
}

const large: Measurement = async (daemon, report) => {
  const archive = await largeArchive();
  const used = async () => Number.parseInt(await run(['du', '-s', '--block-size=1K', daemon.dataRoot]), 10);
  const [before, cpuBefore] = [await used(), await cpuTime(daemon)];
  const loading = await timed(() => daemon.ok(['load', '-q', '-i', archive]));
  const cpu = (await cpuTime(daemon)) - cpuBefore;
  const { rss, peak } = await memory(daemon);
  report('load a layer of 20 GiB of zeros', `${seconds(loading)}, ${seconds(cpu)} of a processor`);
  report('space that it takes', `${(await used()) - before} KiB`);
  report('RSS of the engine then', `${rss} MiB, at most ${peak}`, 'bounded');
  report('make a container of it', ms(await timed(() => daemon.ok(['create', '--name', 'large', 'large', '/none']))));
  await daemon.ok(['rm', 'large']);
  report('rmi it', ms(await timed(() => daemon.ok(['rmi', 'large']))));
};

const MEASUREMENTS: Record<string, Measurement> = {
  'many images': many,
  'deep image': deep,
  '60 layers': sixty,
  'large layer': large,
};

mkdirSync(cache, { recursive: true });
const words = process.argv.slice(2);
const restoreCgroups = completeCgroups();
process.stdout.write(`${cpus().length} cores, Linux ${release()}\n\n| what | wherry | goal |\n|---|---|---|\n`);
try {
  for (const [name, measurement] of Object.entries(MEASUREMENTS)) {
    if (words.length > 0 && !words.some((word) => name.includes(word))) continue;
    const daemon = await startDaemon();
    try {
      await run(['sync']);
      await measurement(daemon, (what, value, goal = '-') =>
        process.stdout.write(`| ${what} | ${value} | ${goal} |\n`),
      );
    } finally {
      await daemon.close();
    }
  }
} finally {
  restoreCgroups();
}
