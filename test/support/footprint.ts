/** What an engine holds of the machine: its files, mounts, network namespaces, processes. */
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Files and folders below `root`, and the bytes that they take on disk. */
export async function diskUse(root: string): Promise<{ files: number; bytes: number }> {
  let files = 0;
  let bytes = 0;
  for (const name of await readdir(root, { recursive: true })) {
    const entry = await lstat(join(root, name)).catch(() => undefined); // it may go while we look
    if (!entry) continue;
    files++;
    bytes += entry.blocks * 512;
  }
  return { files, bytes };
}

/**
 * What is there of a daemon, as lines that can be compared: every path below its folders, every mount, every group. The
 * network namespaces that are kept ready come and go, so they are only counted; the database's own files are left out.
 */
export async function footprint({ dataRoot, execRoot }: { dataRoot: string; execRoot: string }): Promise<string[]> {
  const lines: string[] = [];
  for (const root of [dataRoot, execRoot]) {
    const names = await readdir(root, { recursive: true });
    lines.push(...names.filter((name) => !/^netns\/|^wherry\.db/.test(name)).map((name) => join(root, name)));
  }
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => line.split(' ')[4] ?? '');
  const own = mounts.filter((point) => point.startsWith(dataRoot) || point.startsWith(execRoot));
  const namespaces = own.filter((point) => point.startsWith(join(execRoot, 'netns/')));
  lines.push(...own.filter((point) => !namespaces.includes(point)).map((point) => `mount ${point}`));
  lines.push(`${namespaces.length} network namespaces`);
  return lines.sort();
}

/** Resolves when the daemon's footprint is `expected`; rejects with the difference when it does not become so. */
export async function untilFootprint(
  daemon: { dataRoot: string; execRoot: string },
  expected: readonly string[],
): Promise<void> {
  for (let tries = 0; tries < 250; tries++) {
    if ((await footprint(daemon)).join('\n') === expected.join('\n')) return;
    await sleep(20);
  }
  const now = await footprint(daemon);
  const more = now.filter((line) => !expected.includes(line)).map((line) => `+ ${line}`);
  const less = expected.filter((line) => !now.includes(line)).map((line) => `- ${line}`);
  throw new Error(`something was left or lost:\n${[...more, ...less].join('\n')}`);
}
