import type { Container } from '#container/container.ts';
import { type ContainerCgroup, containerCgroup } from '#linux/cgroup-paths.ts';
import { reserveRealtime } from '#linux/cgroup-realtime.ts';
import type { ContainerEdits } from '#runtime/cdi/cdi-file.ts';
import { requestedEdits } from '#runtime/cdi/device-requests.ts';
import { applyEdits } from '#runtime/cdi/edits.ts';
import { prepareSharedMemory } from '#runtime/shared-memory.ts';
import { buildSpec } from '#runtime/spec/build-spec.ts';
import { effectiveUlimits } from '#runtime/spec/host-defaults.ts';
import { serializeSpec } from '#runtime/spec/oci.ts';
import { resolveBlockIO, resolveDevices } from '#runtime/spec/resolve-devices.ts';
import { resolveUser } from '#runtime/spec/resolve-user.ts';
import { checkBinds } from '#volume/bind-source.ts';
import { engineDefaults } from '../defaults.ts';
import type { Engine } from '../engine.ts';
import { linkEnvironment } from '../links.ts';
import { mountSources } from '../mount-sources.ts';
import { chooseNamespaces, sharedContainer } from '../shared-namespaces.ts';

/** The OCI configuration of a container whose root is mounted at `rootfs` and whose network is attached, as JSON. */
export async function makeSpec(engine: Engine, container: Container, rootfs: string): Promise<string> {
  const { record } = container;
  const { config, hostConfig } = record;
  const [user, devices, blockIO, cdiEdits, shmPath] = await Promise.all([
    resolveUser(rootfs, config.User, hostConfig.GroupAdd),
    resolveDevices(hostConfig),
    resolveBlockIO(hostConfig),
    deviceEdits(engine, container),
    sharedMemory(engine, container),
    reserveCpuTime(engine, container),
    checkBinds(record.mounts),
    engine.volumes.mountAll(record.id, record.mountPoints),
  ]);
  const owner = sharedContainer(engine, hostConfig.NetworkMode) ?? container;
  const { hosts, hostname, resolvConf } = engine.paths.container(owner.id);
  const spec = buildSpec({
    id: record.id,
    config: { ...config, Env: [...linkEnvironment(engine, container), ...(config.Env ?? [])] },
    hostConfig: { ...hostConfig, Ulimits: effectiveUlimits(hostConfig, engineDefaults(engine)) },
    rootfs,
    user,
    namespaces: chooseNamespaces(engine, container),
    mounts: await mountSources(engine, container),
    etc: { hosts, hostname, resolvConf },
    shmPath,
    devices,
    blockIO,
    cgroup: { version: engine.cgroups.version, ...nextCgroup(engine, container) },
    initBinary: engine.init,
    host: engine.host,
  });
  return serializeSpec(await applyEdits(spec, cdiEdits));
}

/** What the devices that were asked for by name or kind need. */
async function deviceEdits({ cdi }: Engine, { record }: Container): Promise<ContainerEdits[]> {
  const requests = record.hostConfig.DeviceRequests ?? [];
  return requests.length > 0 ? requestedEdits(requests, await cdi.read()) : [];
}

/** Where the container's /dev/shm is on the host, when others may share it. */
function sharedMemory(engine: Engine, { id, record }: Container): Promise<string | undefined> {
  const { IpcMode: mode, ShmSize: size } = record.hostConfig;
  const partner = sharedContainer(engine, mode);
  return prepareSharedMemory(engine.launcher, {
    mode,
    size,
    folder: engine.paths.container(id).sharedMemory,
    partner: partner && {
      id: partner.id,
      mode: partner.record.hostConfig.IpcMode,
      folder: engine.paths.container(partner.id).sharedMemory,
    },
  });
}

/** Sees to it that the groups above the container's have the real-time CPU time that it may use. */
export async function reserveCpuTime(engine: Engine, container: Container): Promise<void> {
  const { CpuRealtimeRuntime: runtime, CpuRealtimePeriod: period } = container.record.hostConfig;
  if (!(runtime > 0)) return;
  const budget = { runtime: Number(runtime), period: Number(period) };
  await engine.realtime.run(() => reserveRealtime(engine.cgroups, cgroupPath(engine, container), budget));
}

/** The control group of a container's present or last run, below the root of every hierarchy. */
export function cgroupPath(engine: Engine, container: Container): string {
  return container.record.cgroup ?? nextCgroup(engine, container).path;
}

/** That of a run which begins now. */
export function nextCgroup({ config }: Engine, { record }: Container): ContainerCgroup {
  return containerCgroup(config.cgroupDriver, record.hostConfig.CgroupParent || config.cgroupParent, record.id);
}
