import { readdir, readFile } from 'node:fs/promises';
import { arch, cpus, hostname, release, totalmem } from 'node:os';
import type { SystemInfo, SystemVersion } from '#api/types/system.ts';
import { formatTime, nowNs } from '#lib/time.ts';
import type { Engine } from './engine.ts';
import { registryInfo } from './images/registry-info.ts';
import { PRODUCT } from './product.ts';

/** `GET /info` */
export async function systemInfo(engine: Engine): Promise<SystemInfo> {
  const { config, cgroups, runtimes, driver, containers } = engine;
  const counts = { running: 0, paused: 0, stopped: 0 };
  for (const container of containers) {
    counts[container.state.paused ? 'paused' : container.running ? 'running' : 'stopped']++;
  }
  const [driverStatus, warnings, distribution, descriptors, forwarding, cdi] = await Promise.all([
    driver.status(),
    engineWarnings(engine),
    readDistribution(),
    readdir('/proc/self/fd'),
    readFile('/proc/sys/net/ipv4/ip_forward', 'utf8'),
    engine.cdi.read(),
  ]);
  return {
    ID: engine.id,
    Containers: containers.size,
    ContainersRunning: counts.running,
    ContainersPaused: counts.paused,
    ContainersStopped: counts.stopped,
    Images: engine.graph.size,
    Driver: driver.name,
    DriverStatus: driverStatus,
    Plugins: {
      Volume: ['local'],
      Network: ['bridge', 'host', 'null'],
      Authorization: null,
      Log: ['json-file', 'local', 'none'],
    },
    MemoryLimit: cgroups.features.memory,
    SwapLimit: cgroups.features.swap,
    ...(cgroups.features.kernelMemoryTcp && { KernelMemoryTCP: true }),
    CpuCfsPeriod: cgroups.features.cpuCfs,
    CpuCfsQuota: cgroups.features.cpuCfs,
    CPUShares: cgroups.features.cpuShares,
    CPUSet: cgroups.features.cpuset,
    PidsLimit: cgroups.features.pids,
    OomKillDisable: cgroups.features.oomKillDisable,
    IPv4Forwarding: forwarding.trim() === '1',
    Debug: config.logLevel === 'debug',
    NFd: descriptors.length,
    NGoroutines: 0,
    SystemTime: formatTime(nowNs()),
    LoggingDriver: config.logDriver,
    CgroupDriver: config.cgroupDriver,
    CgroupVersion: cgroups.version === 2 ? '2' : '1',
    NEventsListener: engine.events.listenerCount,
    KernelVersion: release(),
    OperatingSystem: distribution.name,
    OSVersion: distribution.version,
    OSType: 'linux',
    Architecture: machineName(),
    IndexServerAddress: 'https://index.docker.io/v1/',
    RegistryConfig: registryInfo(engine.registry.settings),
    NCPU: cpus().length,
    MemTotal: totalmem(),
    GenericResources: null,
    DockerRootDir: engine.paths.dataRoot,
    HttpProxy: '',
    HttpsProxy: '',
    NoProxy: '',
    Name: hostname(),
    Labels: config.labels,
    ExperimentalBuild: config.experimental,
    ServerVersion: PRODUCT.version,
    Runtimes: Object.fromEntries(
      [...runtimes.programs].map(([name, { path, args }]) => [
        name,
        { path, ...(args.length > 0 && { runtimeArgs: [...args] }) },
      ]),
    ),
    DefaultRuntime: runtimes.default,
    Swarm: {
      NodeID: '',
      NodeAddr: '',
      LocalNodeState: 'inactive',
      ControlAvailable: false,
      Error: '',
      RemoteManagers: null,
    },
    LiveRestoreEnabled: config.liveRestore,
    Isolation: '',
    InitBinary: engine.init,
    ContainerdCommit: { ID: '' },
    RuncCommit: { ID: '' },
    InitCommit: { ID: '' },
    SecurityOptions: engine.host.seccomp ? [`name=seccomp,profile=${config.seccompProfile}`] : [],
    ...(config.network.addressPools && {
      DefaultAddressPools: config.network.addressPools.map(({ base, size }) => ({ Base: base, Size: size })),
    }),
    CDISpecDirs: [...engine.cdi.folders],
    ...(cdi.devices.size > 0 && { DiscoveredDevices: [...cdi.devices.keys()].map((ID) => ({ Source: 'cdi', ID })) }),
    Warnings:
      warnings.length + cdi.problems.length > 0
        ? [...warnings, ...cdi.problems.map((problem) => `WARNING: CDI: ${problem}`)]
        : null,
  };
}

async function engineWarnings(engine: Engine): Promise<string[]> {
  const { features } = engine.cgroups;
  const missing: [boolean, string][] = [
    [features.memory, 'No memory limit support'],
    [features.swap, 'No swap limit support'],
    [features.cpuCfs, 'No cpu cfs quota support'],
    [features.pids, 'No pids limit support'],
  ];
  const lacking = missing.flatMap(([present, text]) => (present ? [] : [`WARNING: ${text}`]));
  const refused = engine.readOnly ? [`WARNING: ${engine.readOnly.message}. ${engine.readOnly.hint}`] : [];
  return [...refused, ...lacking, ...(await engine.networks.warnings()).map((text) => `WARNING: ${text}`)];
}

async function readDistribution(): Promise<{ name: string; version: string }> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const field = (name: string) => new RegExp(`^${name}="?([^"\n]*)`, 'm').exec(text)?.[1];
  return { name: field('PRETTY_NAME') ?? 'Linux', version: field('VERSION_ID') ?? '' };
}

function machineName(): string {
  return { x64: 'x86_64', arm64: 'aarch64' }[arch() as 'x64'] ?? arch();
}

/** `GET /version` */
export function systemVersion(): SystemVersion {
  const goArch = { x64: 'amd64' }[arch() as 'x64'] ?? arch();
  const details = {
    ApiVersion: PRODUCT.apiVersion,
    Arch: goArch,
    Experimental: 'false',
    GitCommit: PRODUCT.commit,
    KernelVersion: release(),
    MinAPIVersion: PRODUCT.minApiVersion,
    Os: 'linux',
  };
  return {
    Platform: { Name: 'wherry' },
    Components: [
      { Name: 'Engine', Version: PRODUCT.version, Details: { ...details, GoVersion: `node ${process.version}` } },
    ],
    Version: PRODUCT.version,
    ApiVersion: PRODUCT.apiVersion,
    MinAPIVersion: PRODUCT.minApiVersion,
    GitCommit: PRODUCT.commit,
    GoVersion: `node ${process.version}`,
    Os: 'linux',
    Arch: goArch,
    KernelVersion: release(),
  };
}
