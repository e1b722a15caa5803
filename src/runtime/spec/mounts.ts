import { invalid } from '#errors/errors.ts';
import type { ResolvedMount } from '#volume/resolved-mount.ts';
import type { KernelVersion } from './host-facts.ts';
import type { OciMount } from './oci.ts';
import { INIT_TARGET, usesInit } from './process.ts';
import type { SpecInput } from './spec-input.ts';

const GUARDED = ['nosuid', 'noexec', 'nodev'];

/**
 * All mounts of a container: the kernel's file systems, then the engine's and the user's, parents before children.
 * A user's mount replaces a default of the same target, and one at /dev all defaults below it.
 */
export function containerMounts(input: SpecInput): OciMount[] {
  const user = input.mounts.map((mount) => ociMount(mount, input.host.kernel));
  const targets = new Set(user.map((mount) => mount.destination));
  const replaced = ({ destination }: OciMount) =>
    targets.has(destination) || (targets.has('/dev') && destination.startsWith('/dev/'));
  const engine = [...initMount(input), ...sharedMemory(input), ...etcMounts(input)].filter((mount) => !replaced(mount));
  const defaults = defaultMounts(input).filter((mount) => !replaced(mount));
  return [...defaults, ...[...user, ...engine].sort((a, b) => depth(a.destination) - depth(b.destination))];
}

function defaultMounts(input: SpecInput): OciMount[] {
  const writable = input.hostConfig.Privileged;
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: GUARDED },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...GUARDED, ...(writable ? [] : ['ro'])] },
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: [...(writable ? [] : ['ro']), ...GUARDED],
    },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: GUARDED },
  ];
}

/** /dev/shm: none, a directory of the host, or a tmpfs of its own. */
function sharedMemory(input: SpecInput): OciMount[] {
  const destination = '/dev/shm';
  if (input.hostConfig.IpcMode === 'none') return [];
  const source = input.shmPath ?? (input.hostConfig.IpcMode === 'host' ? destination : undefined);
  if (source !== undefined) return [{ destination, type: 'bind', source, options: ['rbind', 'rprivate'] }];
  const options = [...GUARDED, 'mode=1777', `size=${input.hostConfig.ShmSize}`];
  return [{ destination, type: 'tmpfs', source: 'shm', options }];
}

function initMount(input: SpecInput): OciMount[] {
  if (!usesInit(input)) return [];
  return [{ destination: INIT_TARGET, type: 'bind', source: input.initBinary!, options: ['bind', 'ro'] }];
}

function etcMounts(input: SpecInput): OciMount[] {
  const files: [string, string | undefined][] = [
    ['/etc/resolv.conf', input.etc.resolvConf],
    ['/etc/hostname', input.etc.hostname],
    ['/etc/hosts', input.etc.hosts],
  ];
  return files.flatMap(([destination, source]) => {
    if (source === undefined) return [];
    const readOnly = input.hostConfig.ReadonlyRootfs;
    return [ociMount({ type: 'bind', source, destination, readOnly, propagation: 'rprivate' }, input.host.kernel)];
  });
}

function ociMount(mount: ResolvedMount, kernel: KernelVersion): OciMount {
  if (mount.type === 'tmpfs') {
    return { destination: mount.destination, type: 'tmpfs', source: 'tmpfs', options: [...(mount.options ?? [])] };
  }
  const options = [mount.nonRecursive ? 'bind' : 'rbind'];
  if (mount.readOnly) options.push(readOnlyOption(mount, kernel));
  if (mount.propagation) options.push(mount.nonRecursive ? ownPropagation(mount.propagation) : mount.propagation);
  return { destination: mount.destination, type: 'bind', source: mount.source, options };
}

/** Without the mounts below: to crun, a recursive propagation makes the whole mount recursive. */
function ownPropagation(propagation: string): string {
  return propagation.replace(/^r/, '');
}

/** `rro` covers the mounts below too; it needs mount_setattr(2), Linux 5.12. */
function readOnlyOption(mount: ResolvedMount, [major, minor]: KernelVersion): 'ro' | 'rro' {
  const supported = major > 5 || (major === 5 && minor >= 12);
  if (mount.readOnlyForceRecursive && !supported) {
    throw invalid(`rro is not supported by the kernel: ${mount.destination} cannot be made read-only recursively`, {
      hint: 'It needs Linux 5.12; leave out bind-recursive=readonly.',
    });
  }
  return mount.nonRecursive || mount.readOnlyNonRecursive || !supported ? 'ro' : 'rro';
}

function depth(path: string): number {
  return path.split('/').length;
}
