import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { EMPTY_CONFIG } from '#api/types/container-config.ts';
import { EMPTY_HOST_CONFIG } from '#api/types/host-config.ts';
import {
  type DockerdCase,
  expectedInspect,
  expectedSpec,
  IMAGES,
  mountInputOf,
  placeCases,
  recordedVolumes,
  targetMounts,
} from '#test/support/dockerd-cases.ts';
import { ENGINE_DEFAULTS, LEGACY_CGROUPS } from '#test/support/recorded-host.ts';
import { collectMounts } from '#volume/collect-mounts.ts';
import { prepareMounts } from '#volume/prepare-mounts.ts';
import { buildSpec } from './build-spec.ts';
import { CAPABILITIES } from './capabilities.ts';
import { withHostDefaults } from './host-defaults.ts';
import type { HostFacts } from './host-facts.ts';
import { mergeConfig } from './merge-config.ts';
import type { OciCapabilities, OciDeviceRule, OciMount, OciSpec, OciSyscall, OciUser } from './oci.ts';
import { serializeSpec } from './oci.ts';
import { parseGroup, parsePasswd } from './passwd.ts';
import { resolveBlockIO, resolveDevices } from './resolve-devices.ts';
import { findUser } from './resolve-user.ts';
import type { NamespaceChoice, SpecInput } from './spec-input.ts';
import { validateCreate } from './validate.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherry-spec-'));
const bind = join(folder, 'bind');
mkdirSync(bind);
writeFileSync(join(bind, 'f'), '');
after(() => rmSync(folder, { recursive: true }));

const PASSWD =
  'root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000:Bob:/home/bob:/bin/sh\n1234:x:1500:1600:num:/home/num:/bin/sh\n';
const GROUP = 'root:x:0:\nbob:x:1000:\nwheel:x:10:root,bob\nstaff:x:20:bob\n';

const HOST: HostFacts = {
  arch: 'x64',
  cpuCount: 2,
  kernel: [6, 18],
  seccomp: true,
  apparmor: false,
  // The machine of the recording lacks this one in its bounding set.
  capabilities: CAPABILITIES.filter((name) => name !== 'CAP_SYS_RESOURCE'),
};

function namespace(mode: string, name: string): NamespaceChoice {
  if (mode === 'host') return 'host';
  return mode.startsWith('container:') ? { path: `/proc/TARGETPID/ns/${name}` } : 'private';
}

async function specOf(dockerd: DockerdCase): Promise<OciSpec> {
  const asked = { ...EMPTY_CONFIG, Image: 'base', ...dockerd.config };
  const config = mergeConfig(asked, IMAGES[asked.Image]!);
  const filled = withHostDefaults({ ...EMPTY_HOST_CONFIG, ...dockerd.hostConfig }, ENGINE_DEFAULTS, LEGACY_CGROUPS);
  const { hostConfig } = validateCreate(config, filled, {}, { cgroups: LEGACY_CGROUPS, host: HOST });
  const etcOf = hostConfig.NetworkMode.startsWith('container:') ? '<data>/containers/TARGET' : '<dir>';
  const collected = collectMounts(mountInputOf(dockerd), () => targetMounts(bind));
  const input: SpecInput = {
    id: '<id>',
    config: { ...config, Hostname: expectedInspect(dockerd, 'Config.Hostname') as string },
    hostConfig,
    rootfs: '<rootfs>',
    user: findUser(parsePasswd(PASSWD), parseGroup(GROUP), config.User, hostConfig.GroupAdd ?? []),
    namespaces: {
      network: namespace(hostConfig.NetworkMode, 'net'),
      pid: namespace(hostConfig.PidMode, 'pid'),
      ipc: namespace(hostConfig.IpcMode, 'ipc'),
      uts: namespace(hostConfig.UTSMode, 'uts'),
      cgroup: namespace(hostConfig.CgroupnsMode, 'cgroup'),
    },
    mounts: (
      await prepareMounts(collected, {
        containerId: '<id>',
        volumes: recordedVolumes,
        dataRoot: '/nowhere',
        imageId: String,
      })
    ).mounts,
    etc: {
      hostname: `${etcOf}/hostname`,
      ...(!config.NetworkDisabled && { hosts: `${etcOf}/hosts`, resolvConf: `${etcOf}/resolv.conf` }),
    },
    ...sharedMemory(hostConfig.IpcMode),
    devices: hostConfig.Privileged
      ? { host: [], mapped: (await resolveDevices({ ...hostConfig, Privileged: false })).mapped }
      : await resolveDevices(hostConfig),
    blockIO: await resolveBlockIO(hostConfig),
    cgroup: { version: 1, cgroupsPath: `${hostConfig.CgroupParent || '/docker'}/<id>` },
    initBinary: '/usr/bin/docker-init',
    host: HOST,
  };
  return buildSpec(input);
}

function sharedMemory(mode: string): { shmPath?: string } {
  if (mode === 'shareable') return { shmPath: '<dir>/mounts/shm' };
  return mode.startsWith('container:') ? { shmPath: '<data>/containers/TARGET/mounts/shm' } : {};
}

/** The same cut as the fixture's: `process.env`, `linux.resources.memory`, `mounts`, ... */
function sectionsOf(spec: OciSpec): Record<string, unknown> {
  const { process, linux, ociVersion: _, ...top } = JSON.parse(serializeSpec(spec));
  const { resources, ...rest } = linux;
  // dockerd says "any" by -1, which is what absent means.
  const devices = resources.devices.map((rule: OciDeviceRule) =>
    rule.type ? { major: -1, minor: -1, ...rule } : rule,
  );
  const prefixed = (prefix: string, section: object) =>
    Object.fromEntries(Object.entries(section).map(([key, value]) => [`${prefix}.${key}`, value]));
  return {
    ...top,
    ...prefixed('process', process),
    ...prefixed('linux', rest),
    ...prefixed('linux.resources', { ...resources, devices }),
  };
}

/** What means the same in another order, or is compared elsewhere (the system calls: seccomp/profile.test.ts). */
function comparable(sections: Record<string, unknown>): Record<string, unknown> {
  const capabilities = sections['process.capabilities'];
  const user = sections['process.user'] as OciUser;
  const seccomp = sections['linux.seccomp'] as Record<string, unknown> | undefined;
  const builtin =
    seccomp &&
    typeof seccomp.syscalls === 'object' &&
    ((seccomp.syscalls as OciSyscall[]) ?? [])[0]?.names.includes('accept4');
  return {
    ...sections,
    'process.capabilities': Array.isArray(capabilities) ? capabilities : boundingOf(capabilities),
    'process.user': { ...user, additionalGids: [...new Set(user.additionalGids)].sort((a, b) => a - b) },
    mounts: (sections.mounts as OciMount[])
      .map(withoutNeedlessRecursion)
      .toSorted((a, b) => (a.destination < b.destination ? -1 : 1)),
    ...(builtin && { 'linux.seccomp': { ...seccomp, syscalls: '<builtin>' } }),
  };
}

/** `bind` with `rprivate`, as dockerd writes it for runc, is recursive to crun; both take `private` to mean the same. */
function withoutNeedlessRecursion(mount: OciMount): OciMount {
  if (!mount.options?.includes('bind')) return mount;
  return { ...mount, options: mount.options.map((option) => option.replace(/^r(private|slave|shared)$/, '$1')) };
}

function boundingOf(value: unknown): unknown {
  if (value === '<all>') return HOST.capabilities;
  const sets = value as OciCapabilities;
  assert.deepEqual(sets.effective, sets.bounding);
  assert.deepEqual(sets.permitted, sets.bounding);
  return sets.bounding ?? [];
}

/** Cases that dockerd let pass to the runtime, which refused them; and a few that are better here. */
const REFUSED_EARLIER = new Set([
  'ulimit-bad',
  'ulimit-soft-over-hard',
  'device-badperm',
  'log-badsize',
  'log-badfile',
  'expose-bad',
  'expose-bad2',
  'ports-bad',
  'ports-badip',
  'seccomp-badaction',
  'host-net-sysctl',
  'sysctl-ipc-host',
  'sysctl-bad',
  'sysctl-uts-host',
  'userns-bad',
  'no-command',
  'device-noperm',
  'dns-bad',
  'cgroup-parent-rel',
  'cgroup-parent-dots',
  'volume-config-bad',
  'tmpfs-over-etc',
  'mount-tmpfs-and-tmpfs',
  'volumes-from-overridden',
]);

test('a mount below another one comes after it', async () => {
  const Binds = [`${bind}:/x/y/z`, `${bind}:/etc`, `${bind}:/x`];
  const Tmpfs = { '/x/y': '', '/dev/shm': '' };
  const { mounts } = await specOf({ name: 'order', hostConfig: { Binds, Tmpfs } });
  const targets = mounts.map(({ destination }) => destination);
  for (const [index, target] of targets.entries()) {
    const late = targets.slice(index + 1).filter((other) => target.startsWith(`${other}/`));
    assert.deepEqual(late, [], `${target} would be hidden`);
  }
});

for (const dockerd of placeCases({ bind, sock: join(bind, 'f') })) {
  if (!dockerd.spec || REFUSED_EARLIER.has(dockerd.name)) continue;
  test(`the specification is dockerd's: ${dockerd.name}`, async () => {
    const actual = comparable(sectionsOf(await specOf(dockerd)));
    assert.deepEqual(actual, comparable(expectedSpec(dockerd)));
  });
}
