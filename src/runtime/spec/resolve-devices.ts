import type { BigIntStats } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeviceMapping, HostConfig, ThrottleDevice } from '#api/types/host-config.ts';
import { describe, errnoCode, invalid, notFound } from '#errors/errors.ts';
import type { OciBlockIO, OciDevice, OciThrottle } from './oci.ts';

/** The devices of a container, looked up on the host. */
export interface ResolvedDevices {
  /** Every device of the host, for a privileged container; else empty. */
  host: OciDevice[];
  /** `--device`: the node in the container and the letters of `rwm` that it may be used with. */
  mapped: { node: OciDevice; access: string }[];
}

export type ResolvedBlockIO = OciBlockIO;

/** Directories of /dev that are mounts of their own or hold no devices. */
const SKIPPED_DIRECTORIES: ReadonlySet<string> = new Set([
  'pts',
  'shm',
  'fd',
  'mqueue',
  '.lxc',
  '.lxd-mounts',
  '.udev',
]);

/** Looks up `--device` and, for a privileged container, everything in /dev. Throws Docker's words for a bad device. */
export async function resolveDevices(hostConfig: HostConfig): Promise<ResolvedDevices> {
  const host = hostConfig.Privileged ? await devicesBelow('/dev', '/dev') : [];
  const mapped = await Promise.all((hostConfig.Devices ?? []).map(resolveMapping));
  return { host, mapped: mapped.flat() };
}

/** Replaces the paths of `--blkio-weight-device` and `--device-*-bps|iops` by device numbers. */
export async function resolveBlockIO(hostConfig: HostConfig): Promise<ResolvedBlockIO> {
  const throttle = async (devices: ThrottleDevice[] | null): Promise<OciThrottle[] | undefined> =>
    devices?.length
      ? Promise.all(devices.map(async ({ Path, Rate }) => ({ ...(await numbersOf(Path)), rate: Rate })))
      : undefined;
  const weights = hostConfig.BlkioWeightDevice ?? [];
  const resolved: OciBlockIO = {
    weight: hostConfig.BlkioWeight || undefined,
    weightDevice: weights.length
      ? await Promise.all(weights.map(async ({ Path, Weight }) => ({ ...(await numbersOf(Path)), weight: Weight })))
      : undefined,
    throttleReadBpsDevice: await throttle(hostConfig.BlkioDeviceReadBps),
    throttleWriteBpsDevice: await throttle(hostConfig.BlkioDeviceWriteBps),
    throttleReadIOPSDevice: await throttle(hostConfig.BlkioDeviceReadIOps),
    throttleWriteIOPSDevice: await throttle(hostConfig.BlkioDeviceWriteIOps),
  };
  return Object.fromEntries(Object.entries(resolved).filter(([, value]) => value !== undefined));
}

/** Device numbers of a path. Source: the kernel's encoding of dev_t, include/linux/kdev_t.h and makedev(3). */
export function deviceNumbers(rdev: bigint): { major: number; minor: number } {
  return {
    major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n)),
    minor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n)),
  };
}

/** One device, or all devices below a directory. */
async function resolveMapping(mapping: DeviceMapping): Promise<ResolvedDevices['mapped']> {
  const fail = (why: string) =>
    invalid(`error gathering device information while adding custom device "${mapping.PathOnHost}": ${why}`);
  const target = mapping.PathInContainer || mapping.PathOnHost;
  const access = mapping.CgroupPermissions || 'rwm';
  try {
    const path = await realpath(mapping.PathOnHost);
    const stats = await lstat(path, { bigint: true });
    const nodes = stats.isDirectory() ? await devicesBelow(path, target) : [deviceNode(target, stats)];
    if (nodes.length === 0 || nodes.some((node) => node === undefined)) throw fail('not a device node');
    return nodes.map((node) => ({ node: node!, access }));
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') throw fail('no such file or directory');
    throw error;
  }
}

/** The devices in a folder of the host, at their places below `target`; links and the console are left out. */
async function devicesBelow(folder: string, target: string): Promise<OciDevice[]> {
  const entries = (await readdir(folder, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1));
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        return SKIPPED_DIRECTORIES.has(entry.name) ? [] : devicesBelow(path, join(target, entry.name));
      }
      if (!(entry.isCharacterDevice() || entry.isBlockDevice()) || path === '/dev/console') return [];
      const node = deviceNode(join(target, entry.name), await lstat(path, { bigint: true }));
      return node ? [node] : [];
    }),
  );
  return found.flat();
}

function deviceNode(path: string, stats: BigIntStats): OciDevice | undefined {
  const type = stats.isBlockDevice() ? 'b' : stats.isCharacterDevice() ? 'c' : undefined;
  if (type === undefined) return undefined;
  const fileMode = Number(stats.mode & 0o7777n);
  return { path, type, ...deviceNumbers(stats.rdev), fileMode, uid: Number(stats.uid), gid: Number(stats.gid) };
}

async function numbersOf(path: string): Promise<{ major: number; minor: number }> {
  try {
    return deviceNumbers((await stat(path, { bigint: true })).rdev);
  } catch (cause) {
    const why = errnoCode(cause) === 'ENOENT' ? 'no such file or directory' : describe(cause);
    throw notFound(`stat ${path}: ${why}`, { cause });
  }
}
