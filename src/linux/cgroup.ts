import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unavailable } from '#errors/errors.ts';
import { type MountInfo, parseMountInfo } from './mountinfo.ts';

/** The machine's control groups, as the engine uses them. */
export interface CgroupSupport {
  /** 2 = only the unified hierarchy; 1 = legacy hierarchies, also when a unified one lies beside them (hybrid). */
  version: 1 | 2;
  hybrid: boolean;
  /** Where each controller's hierarchy is mounted (`memory` -> /sys/fs/cgroup/memory); on v2 all are the same place. */
  controllers: ReadonlyMap<string, string>;
  /** The unified hierarchy: on v2 everything, on a hybrid machine without most controllers; absent on pure v1. */
  unified?: string;
  features: CgroupFeatures;
  /** CPUs and memory nodes that may be asked for, as lists (`0-3,8`); empty when unknown. */
  cpus: string;
  mems: string;
}

/** Which limits the kernel can keep. */
export interface CgroupFeatures {
  memory: boolean;
  swap: boolean;
  memoryReservation: boolean;
  swappiness: boolean;
  oomKillDisable: boolean;
  kernelMemoryTcp: boolean;
  cpuShares: boolean;
  cpuCfs: boolean;
  cpuRealtime: boolean;
  cpuset: boolean;
  pids: boolean;
  blkioWeight: boolean;
  blkioWeightDevice: boolean;
  blkioThrottle: boolean;
  hugetlb: boolean;
}

/** Names of v1 hierarchies that hold no controller. */
const NAMED = /^name=/;

/**
 * Finds out by reading mountinfo and looking for the controllers' files. `root` is put before every path (tests).
 * Throws `unavailable` when no control groups are mounted.
 */
export async function detectCgroups(root = '/'): Promise<CgroupSupport> {
  const mounts = parseMountInfo(await readFile(join(root, 'proc/self/mountinfo'), 'utf8'));
  const place = (mount: MountInfo) => join(root, mount.mountPoint);
  const unifiedMount = mounts.find((mount) => mount.fstype === 'cgroup2');
  const unified = unifiedMount && place(unifiedMount);
  const legacy = legacyControllers(
    mounts.filter((mount) => mount.fstype === 'cgroup').map((m) => [m, place(m)] as const),
  );
  if (legacy.size > 0) {
    const features = await legacyFeatures(legacy);
    return {
      version: 1,
      hybrid: unified !== undefined,
      controllers: legacy,
      unified,
      features,
      ...(await sets(legacy, '')),
    };
  }
  if (!unified) {
    throw unavailable('no control groups are mounted', {
      hint: 'Mount them, for example with cgroupfs-mount or systemd.',
    });
  }
  const names = (await readText(join(unified, 'cgroup.controllers'))).split(/\s+/).filter((name) => name !== '');
  const controllers = new Map(names.map((name) => [name, unified]));
  const features = await unifiedFeatures(unified, new Set(names));
  return { version: 2, hybrid: false, controllers, unified, features, ...(await sets(controllers, '.effective')) };
}

/** A hierarchy may be mounted in several places: the first counts. */
function legacyControllers(mounts: (readonly [MountInfo, string])[]): Map<string, string> {
  const known = new Set(['cpu', 'cpuacct', 'cpuset', 'memory', 'devices', 'freezer', 'blkio', 'pids', 'hugetlb']);
  const found = new Map<string, string>();
  for (const [mount, path] of mounts) {
    for (const option of mount.superOptions.split(',')) {
      if (!NAMED.test(option) && known.has(option) && !found.has(option)) found.set(option, path);
    }
  }
  return found;
}

async function legacyFeatures(controllers: ReadonlyMap<string, string>): Promise<CgroupFeatures> {
  const has = async (controller: string, file: string) => {
    const path = controllers.get(controller);
    return path !== undefined && exists(join(path, file));
  };
  return {
    memory: await has('memory', 'memory.limit_in_bytes'),
    swap: await has('memory', 'memory.memsw.limit_in_bytes'),
    memoryReservation: await has('memory', 'memory.soft_limit_in_bytes'),
    swappiness: await has('memory', 'memory.swappiness'),
    oomKillDisable: await has('memory', 'memory.oom_control'),
    kernelMemoryTcp: await has('memory', 'memory.kmem.tcp.limit_in_bytes'),
    cpuShares: await has('cpu', 'cpu.shares'),
    cpuCfs: await has('cpu', 'cpu.cfs_quota_us'),
    cpuRealtime: await has('cpu', 'cpu.rt_runtime_us'),
    cpuset: controllers.has('cpuset'),
    pids: controllers.has('pids'),
    blkioWeight: await has('blkio', 'blkio.weight'),
    blkioWeightDevice: await has('blkio', 'blkio.weight_device'),
    blkioThrottle: await has('blkio', 'blkio.throttle.read_bps_device'),
    hugetlb: controllers.has('hugetlb'),
  };
}

/** The root group has no limit files: a group below it tells whether the kernel keeps account of swap and io weights. */
async function unifiedFeatures(unified: string, controllers: ReadonlySet<string>): Promise<CgroupFeatures> {
  const memory = controllers.has('memory');
  const cpu = controllers.has('cpu');
  const io = controllers.has('io');
  return {
    memory,
    swap: memory && (await inSomeGroup(unified, 'memory.current', 'memory.swap.max')),
    memoryReservation: memory,
    swappiness: false,
    oomKillDisable: false,
    kernelMemoryTcp: false,
    cpuShares: cpu,
    cpuCfs: cpu,
    cpuRealtime: false,
    cpuset: controllers.has('cpuset'),
    pids: controllers.has('pids'),
    blkioWeight: io && (await inSomeGroup(unified, 'io.max', 'io.weight', 'io.bfq.weight')),
    blkioWeightDevice: io && (await inSomeGroup(unified, 'io.max', 'io.weight', 'io.bfq.weight')),
    blkioThrottle: io,
    hugetlb: controllers.has('hugetlb'),
  };
}

/** Looks for one of `files` in the first group that has `marker`; with no such group yet, the answer is yes. */
async function inSomeGroup(unified: string, marker: string, ...files: string[]): Promise<boolean> {
  for (const entry of await readdir(unified, { withFileTypes: true })) {
    if (!entry.isDirectory() || !(await exists(join(unified, entry.name, marker)))) continue;
    const found = await Promise.all(files.map((file) => exists(join(unified, entry.name, file))));
    return found.includes(true);
  }
  return true;
}

async function sets(controllers: ReadonlyMap<string, string>, suffix: string): Promise<{ cpus: string; mems: string }> {
  const path = controllers.get('cpuset');
  if (path === undefined) return { cpus: '', mems: '' };
  const [cpus, mems] = await Promise.all(
    ['cpus', 'mems'].map((name) => readText(join(path, `cpuset.${name}${suffix}`))),
  );
  return { cpus: cpus!.trim(), mems: mems!.trim() };
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
