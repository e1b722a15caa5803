/** What an engine holds of the machine: its files, mounts and network namespaces. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from './daemon.ts';

/** One line per file and folder below `root`, not into what is mounted there. What goes meanwhile is left out. */
async function find(root: string, format: string): Promise<string[]> {
  const { stdout } = await run('find', [root, '-xdev', '-mindepth', '1', '-printf', `${format}\\n`], '', process.env);
  return stdout.split('\n').filter(Boolean);
}

/** Files and folders below `root`, and the bytes that they take on disk. */
export async function diskUse(root: string): Promise<{ files: number; bytes: number }> {
  const blocks = await find(root, '%b');
  return { files: blocks.length, bytes: blocks.reduce((sum, count) => sum + Number(count) * 512, 0) };
}

interface Folders {
  dataRoot: string;
  execRoot: string;
}

const NOT_COUNTED = /^netns\/|^wherry\.db|^runtime(\/[^/]+(\/\.cache(\/.*)?)?)?$/;

/**
 * What is there of a daemon, as lines that can be compared: every path below its folders and every mount. The network
 * namespaces that are kept ready come and go, so they are only counted; the database's own files and the folders that
 * runtimes keep for themselves are left out.
 */
export async function footprint({ dataRoot, execRoot }: Folders): Promise<string[]> {
  const lines: string[] = [];
  for (const root of [dataRoot, execRoot]) {
    const names = (await find(root, '%P')).filter((name) => !NOT_COUNTED.test(name));
    lines.push(...names.map((name) => join(root, name)));
  }
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => line.split(' ')[4] ?? '');
  const own = mounts.filter((point) => point.startsWith(dataRoot) || point.startsWith(execRoot));
  const namespaces = own.filter((point) => point.startsWith(join(execRoot, 'netns/')));
  lines.push(...own.filter((point) => !namespaces.includes(point)).map((point) => `mount ${point}`));
  lines.push(`${namespaces.length} network namespaces`);
  return lines.sort();
}

/** Namespaces that are kept ready on an idle daemon: on the bridge, and without a network. */
const PREPARED = 16 + 2;

/** The footprint once all that is kept ready has been made, however slowly. */
export async function footprintAtRest(folders: Folders): Promise<string[]> {
  let last: string[] = [];
  for (let tries = 0; tries < 600; tries++) {
    const now = await footprint(folders);
    const ready = now.some((line) => Number.parseInt(line, 10) >= PREPARED);
    if (ready && now.join('\n') === last.join('\n')) return now;
    last = now;
    await sleep(100);
  }
  throw new Error(`the daemon does not come to rest:\n${last.join('\n')}`);
}

/** Resolves when the daemon's footprint is `expected`; rejects with the difference when it does not become so. */
export async function untilFootprint(folders: Folders, expected: readonly string[]): Promise<void> {
  for (let tries = 0; tries < 2500; tries++) {
    if ((await footprint(folders)).join('\n') === expected.join('\n')) return;
    await sleep(20);
  }
  const now = await footprint(folders);
  const more = now.filter((line) => !expected.includes(line)).map((line) => `+ ${line}`);
  const less = expected.filter((line) => !now.includes(line)).map((line) => `- ${line}`);
  throw new Error(`something was left or lost:\n${[...more, ...less].join('\n')}`);
}
