import { readFileSync } from 'node:fs';
import type { Config } from '#api/types/container-config.ts';
import type { HostConfig } from '#api/types/host-config.ts';
import type { MountPoint } from '#api/types/mount.ts';
import type { OciMount } from '#runtime/spec/oci.ts';

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

export const DOCKERD_CASES: DockerdCase[] = JSON.parse(readFileSync(new URL('dockerd-26.json', folder), 'utf8'));

const base = DOCKERD_CASES[0]!;

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
