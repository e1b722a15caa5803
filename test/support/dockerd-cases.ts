import { readFileSync } from 'node:fs';
import type { Config } from '#api/types/container-config.ts';
import type { HostConfig } from '#api/types/host-config.ts';
import type { MountPoint } from '#api/types/mount.ts';
import type { OciMount } from '#runtime/spec/oci.ts';
import type { MountInput, PreparedMount } from '#volume/collect-mounts.ts';
import type { PrepareOptions } from '#volume/prepare-mounts.ts';

/**
 * What dockerd 26.1.5 (cgroup v1, kernel 6.18, API 1.45) did with a create request: its refusal, or what `inspect` echoed
 * and the `config.json` it wrote. Each case but `base` holds only what differs from `base`; see fixtures/README.md.
 */
export interface DockerdCase {
  name: string;
  config?: Partial<Config>;
  hostConfig?: Partial<HostConfig>;
  /** Absent = 201. */
  createStatus?: number;
  error?: string;
  warnings?: string[];
  /** Absent = 204. */
  startStatus?: number;
  startError?: string;
  /** Section (`process.env`, `linux.resources.memory`) -> value. */
  spec?: Record<string, unknown>;
  specWithout?: string[];
  inspect?: Record<string, unknown> & { Mounts?: MountPoint[] };
  inspectWithout?: string[];
}

const folder = new URL('../../src/runtime/spec/fixtures/', import.meta.url);

const text = readFileSync(new URL('dockerd-26.json', folder), 'utf8');

export const DOCKERD_CASES: DockerdCase[] = JSON.parse(text);

const base = DOCKERD_CASES[0]!;

/** The cases with the paths of the recording's host replaced: `{bind: '/tmp/x'}` puts /tmp/x for `<bind>`. */
export function placeCases(places: Readonly<Record<string, string>>): DockerdCase[] {
  return JSON.parse(text.replace(/<(\w+)>/g, (whole, name: string) => places[name] ?? whole));
}

/** The images of the cases: `base` has a command only, `full` sets everything. */
export const IMAGES: Record<string, Partial<Config>> = {
  base: { Cmd: ['sleep', '300'] },
  full: {
    Cmd: ['a', 'b'],
    Entrypoint: ['/bin/sleep'],
    Env: ['A=1', 'B=2', 'PATH=/bin'],
    User: 'bob',
    WorkingDir: '/data/sub',
    Volumes: { '/data': {} },
    ExposedPorts: { '80/tcp': {} },
    Labels: { x: 'y' },
    StopSignal: 'SIGUSR1',
  },
};

/** Every section of the specification that dockerd wrote for a case. */
export function expectedSpec(dockerd: DockerdCase): Record<string, unknown> {
  const sections = { ...base.spec, ...dockerd.spec };
  for (const name of dockerd.specWithout ?? []) delete sections[name];
  const mounts = base.spec!.mounts as OciMount[];
  const devices = base.spec!['linux.resources.devices'] as unknown[];
  return {
    ...sections,
    mounts: (sections.mounts as (OciMount | string)[]).map((mount) =>
      typeof mount === 'string' ? mounts.find(({ destination }) => destination === mount)! : mount,
    ),
    'linux.resources.devices': (sections['linux.resources.devices'] as unknown[]).flatMap((rule) =>
      rule === '<default>' ? devices : [rule],
    ),
  };
}

/** `inspect`'s value of one field (`HostConfig.IpcMode`) for a case; undefined when it was not there. */
export function expectedInspect(dockerd: DockerdCase, field: string): unknown {
  if (dockerd.inspectWithout?.includes(field)) return undefined;
  if (dockerd.inspect && field in dockerd.inspect) return dockerd.inspect[field];
  const [part, name] = field.split('.') as ['Config' | 'HostConfig', string];
  const given = (part === 'Config' ? dockerd.config : dockerd.hostConfig) as Record<string, unknown> | undefined;
  if (name && given && name in given) return given[name];
  return base.inspect![field];
}

/** The parts of a case that ask for mounts, the image's volumes included. */
export function mountInputOf({ config, hostConfig }: DockerdCase): MountInput {
  return {
    binds: hostConfig?.Binds ?? null,
    mounts: hostConfig?.Mounts,
    volumesFrom: hostConfig?.VolumesFrom ?? null,
    tmpfs: hostConfig?.Tmpfs,
    volumes: { ...IMAGES[config?.Image ?? 'base']?.Volumes, ...config?.Volumes },
    volumeDriver: hostConfig?.VolumeDriver ?? '',
  };
}

/** The container that other cases take mounts from: `-v /tv -v <bind>:/tb:ro -v h7vol6:/tvol`. */
export function targetMounts(bind: string): PreparedMount[] {
  const volume = (name: string, destination: string, mode: string): PreparedMount => ({
    point: {
      Type: 'volume',
      Name: name,
      Source: `<volumes>/${name}/_data`,
      Destination: destination,
      Driver: 'local',
      Mode: mode,
      RW: true,
      Propagation: '',
    },
    resolved: { type: 'volume', source: `<volumes>/${name}/_data`, destination, readOnly: false, propagation: '' },
  });
  const point: MountPoint = {
    Type: 'bind',
    Source: bind,
    Destination: '/tb',
    Mode: 'ro',
    RW: false,
    Propagation: 'rprivate',
  };
  return [
    {
      point,
      resolved: { type: 'bind', source: bind, destination: '/tb', readOnly: true, propagation: 'rprivate' },
    },
    volume('h7vol6', '/tvol', 'z'),
    volume('<hex64>', '/tv', ''),
  ];
}

/** A volume store that makes nothing; anonymous volumes are all called `<hex64>`, as in the recording. */
export const recordedVolumes: PrepareOptions['volumes'] = {
  async create({ Name, Driver }) {
    const name = Name || '<hex64>';
    if (Driver && Driver !== 'local') throw new Error(`no driver ${Driver}`);
    const Mountpoint = `<volumes>/${name}/_data`;
    return { Name: name, Driver: 'local', Mountpoint, Labels: null, Options: null, Scope: 'local' };
  },
  use() {},
  release() {},
  async removeIfUnused() {},
};
