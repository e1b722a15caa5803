/** A daemon whose data-root is a disk that fails: its power is cut, other contents are put on it, it is started anew. */
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DriverName } from '#graphdriver/driver.ts';
import { run, startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { type FaultyDisk, makeFaultyDisk, type Patch } from '#test/support/faulty-disk.ts';
import { checkStore } from '#test/support/store-check.ts';

const DISK_SIZE = 48 << 20;

export interface Stage {
  daemon: TestDaemon;
  disk: FaultyDisk;
  /** Ends everything, as a power cut does, puts this on the disk, and starts the daemon; the base is busybox alone. */
  startFrom(disk: Patch, driver?: DriverName): Promise<void>;
  close(): Promise<void>;
}

export async function openStage(random?: () => number): Promise<Stage> {
  const disk = await makeFaultyDisk(DISK_SIZE, random);
  await disk.format();
  const daemon = await startDaemon({ prepare: (dataRoot) => disk.mount(dataRoot) }).catch(async (error) => {
    await disk.close();
    throw error;
  });
  await daemon.stop();
  await endEverything(daemon);
  await disk.unmount();
  disk.setBase();
  return {
    daemon,
    disk,
    async startFrom(patch, driver) {
      await endEverything(daemon);
      await disk.unmount();
      disk.failWrites(false);
      disk.restore(patch);
      await disk.mount(daemon.dataRoot);
      await daemon.start(driver && ['--storage-driver', driver]);
      if (!driver) return;
      // Another driver makes busybox's layer anew as soon as a container needs it.
      await daemon.ok(['rm', await daemon.ok(['create', 'busybox'])]);
      await checkStore(daemon);
    },
    async close() {
      await endEverything(daemon);
      await disk.unmount();
      await daemon.close();
      await disk.close();
    },
  };
}

/** No process, mount, link, rule or file below /run outlives a power cut. */
async function endEverything(daemon: TestDaemon): Promise<void> {
  const ids = await readdir(join(daemon.dataRoot, 'containers')).catch(() => []);
  await daemon.killAll();
  await Promise.all(ids.map(endContainer));
  for (const line of (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').reverse()) {
    const path = line.split(' ')[4];
    if (path?.startsWith(`${daemon.folder}/`) && path !== daemon.dataRoot) await tool('umount', path);
  }
  await rm(daemon.execRoot, { recursive: true, force: true });
  const inside = (...command: string[]) => tool('nsenter', `--net=${daemon.netns.path}`, ...command);
  await inside('nft', 'flush', 'ruleset');
  const links = (await inside('ip', '-o', 'link', 'show', 'type', 'bridge')).split('\n');
  for (const name of links.flatMap((link) => /^\d+: ([^:@]+)/.exec(link)?.[1] ?? []))
    await inside('ip', 'link', 'delete', name);
}

/** Thawed first: what is frozen does not die. Gone when it resolves. */
async function endContainer(id: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' '));
  const roots = mounts.filter(([, , type]) => type?.startsWith('cgroup')).map(([, root]) => root!);
  let left = roots.map((root) => `${root}/wherry/${id}`).filter(existsSync);
  for (; left.length > 0; left = left.filter(existsSync)) {
    for (const folder of left) {
      await writeFile(`${folder}/freezer.state`, 'THAWED', { flag: 'r+' }).catch(() => {}); // not this controller
      const pids = await readFile(`${folder}/cgroup.procs`, 'utf8').catch(() => '');
      for (const pid of pids.split('\n').filter(Boolean)) await tool('kill', '-9', pid).catch(() => {}); // ended
      await rmdir(folder).catch(() => {}); // not empty yet
    }
  }
}

async function tool(program: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(program, args, '', process.env);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
  return stdout;
}
