import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Config, EMPTY_CONFIG } from '#api/types/container-config.ts';
import { EMPTY_HOST_CONFIG, type HostConfig } from '#api/types/host-config.ts';
import { type CgroupSupport, detectCgroups } from '#linux/cgroup.ts';
import { containerCgroup } from '#linux/cgroup-paths.ts';
import { readMountInfo } from '#linux/mountinfo.ts';
import { buildSpec } from '#runtime/spec/build-spec.ts';
import { withHostDefaults } from '#runtime/spec/host-defaults.ts';
import { type HostFacts, readHostFacts } from '#runtime/spec/host-facts.ts';
import { serializeSpec } from '#runtime/spec/oci.ts';
import { resolveBlockIO, resolveDevices } from '#runtime/spec/resolve-devices.ts';
import { resolveUser } from '#runtime/spec/resolve-user.ts';
import { validateCreate } from '#runtime/spec/validate.ts';
import { collectMounts } from '#volume/collect-mounts.ts';
import { prepareMounts } from '#volume/prepare-mounts.ts';
import { makeRootfs } from './bundle.ts';
import { mountInputOf, recordedVolumes } from './dockerd-cases.ts';
import { ENGINE_DEFAULTS } from './recorded-host.ts';

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A place where specifications are tried: each runs a shell script in a busybox container with the real runtime. */
export interface SpecRoom {
  folder: string;
  rootfs: string;
  cgroups: CgroupSupport;
  /** Runs `script`; the request is judged and filled as the daemon does. */
  run(script: string, hostConfig?: Partial<HostConfig>, config?: Partial<Config>): Promise<Ran>;
  close(): Promise<void>;
}

const PARENT = `/wherry-test-${process.pid}`;

export async function openSpecRoom(runtime = '/usr/sbin/runc'): Promise<SpecRoom> {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-spec-room-'));
  const rootfs = join(folder, 'rootfs');
  makeRootfs(rootfs);
  await writeFile(join(rootfs, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n');
  await writeFile(join(rootfs, 'etc/group'), 'root:x:0:\nbob:x:1000:\nwheel:x:10:bob\n');
  const cgroups = await detectCgroups();
  const host = await readHostFacts();
  let count = 0;
  return {
    folder,
    rootfs,
    cgroups,
    async run(script, hostConfig = {}, config = {}) {
      const id = `spec-${process.pid}-${count++}`;
      const bundle = join(folder, id);
      await mkdir(bundle);
      const spec = await makeSpec({ id, rootfs, script, hostConfig, config, host, cgroups });
      await writeFile(join(bundle, 'config.json'), spec);
      return start(runtime, ['--root', join(folder, 'state'), 'run', '--bundle', bundle, id]);
    },
    async close() {
      await rm(folder, { recursive: true });
      for (const { fstype, mountPoint } of await readMountInfo()) {
        if (/^cgroup2?$/.test(fstype)) await rmdir(join(mountPoint, PARENT)).catch(() => {});
      }
    },
  };
}

interface SpecRequest {
  id: string;
  rootfs: string;
  script: string;
  hostConfig: Partial<HostConfig>;
  config: Partial<Config>;
  host: HostFacts;
  cgroups: CgroupSupport;
}

async function makeSpec({ id, rootfs, script, host, cgroups, ...asked }: SpecRequest): Promise<string> {
  const config = { ...EMPTY_CONFIG, Cmd: ['sh', '-c', script], ...asked.config };
  const filled = withHostDefaults({ ...EMPTY_HOST_CONFIG, ...asked.hostConfig }, ENGINE_DEFAULTS, cgroups);
  const { hostConfig } = validateCreate(config, filled, {}, { cgroups, host });
  const collected = collectMounts(mountInputOf({ name: id, config, hostConfig }), () => []);
  const { mounts } = await prepareMounts(collected, {
    containerId: id,
    volumes: recordedVolumes,
    dataRoot: '/nowhere',
    imageId: String,
  });
  return serializeSpec(
    buildSpec({
      id,
      config: { ...config, Hostname: config.Hostname || id },
      hostConfig,
      rootfs,
      user: await resolveUser(rootfs, config.User, hostConfig.GroupAdd),
      namespaces: {
        network: hostConfig.NetworkMode === 'host' ? 'host' : 'private',
        pid: hostConfig.PidMode === 'host' ? 'host' : 'private',
        ipc: hostConfig.IpcMode === 'host' ? 'host' : 'private',
        uts: hostConfig.UTSMode === 'host' ? 'host' : 'private',
        cgroup: hostConfig.CgroupnsMode === 'private' ? 'private' : 'host',
      },
      mounts,
      etc: {},
      devices: await resolveDevices(hostConfig),
      blockIO: await resolveBlockIO(hostConfig),
      cgroup: { version: cgroups.version, ...containerCgroup('cgroupfs', PARENT, id) },
      initBinary: '/usr/bin/tini-static',
      host,
    }),
  );
}

async function start(program: string, args: string[]): Promise<Ran> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, stdout, stderr };
}
