import type { SystemInfo } from '#api/types/system.ts';
import { binarySize } from './units.ts';

/** The daemon's part of `info`, in docker's lines. */
export function serverInfo(info: SystemInfo): string {
  return [counts(info), storage(info), plugins(info), runtimes(info), security(info), machine(info), settings(info)]
    .flat()
    .map((line) => ` ${line}\n`)
    .join('');
}

const line = (name: string, value: unknown) => `${name}: ${value}`;
const optional = (name: string, value: unknown) => (value ? [line(name, value)] : []);

function counts(info: SystemInfo): string[] {
  return [
    line('Containers', info.Containers),
    line(' Running', info.ContainersRunning),
    line(' Paused', info.ContainersPaused),
    line(' Stopped', info.ContainersStopped),
    line('Images', info.Images),
    ...optional('Server Version', info.ServerVersion),
  ];
}

function storage(info: SystemInfo): string[] {
  return [
    line('Storage Driver', info.Driver),
    ...(info.DriverStatus ?? []).map(([name, value]) => line(` ${name}`, value)),
    ...(info.SystemStatus ?? []).map(([name, value]) => line(name, value)),
    ...optional('Logging Driver', info.LoggingDriver),
    ...optional('Cgroup Driver', info.CgroupDriver),
    ...optional('Cgroup Version', info.CgroupVersion),
  ];
}

function plugins({ Plugins }: SystemInfo): string[] {
  return [
    'Plugins:',
    line(' Volume', (Plugins?.Volume ?? []).join(' ')),
    line(' Network', (Plugins?.Network ?? []).join(' ')),
    ...optional(' Authorization', (Plugins?.Authorization ?? []).join(' ')),
    line(' Log', (Plugins?.Log ?? []).join(' ')),
  ];
}

function runtimes(info: SystemInfo): string[] {
  return [
    line('Swarm', info.Swarm?.LocalNodeState ?? 'inactive'),
    ...optional(
      'Runtimes',
      Object.keys(info.Runtimes ?? {})
        .sort()
        .join(' '),
    ),
    ...optional('Default Runtime', info.DefaultRuntime),
    ...optional('Init Binary', info.InitBinary),
    ...optional('containerd version', info.ContainerdCommit?.ID),
    ...optional('runc version', info.RuncCommit?.ID),
    ...optional('init version', info.InitCommit?.ID),
  ];
}

/** `name=seccomp,profile=builtin` becomes the option's name and, below it, what else is said. */
function security({ SecurityOptions }: SystemInfo): string[] {
  if (!SecurityOptions?.length) return [];
  const lines = SecurityOptions.flatMap((option) => {
    const pairs = option.split(',').map((pair) => pair.split('=') as [string, string]);
    return pairs.map(([key, value]) =>
      key === 'name' ? ` ${value}` : `  ${key === 'profile' ? 'Profile' : key}: ${value}`,
    );
  });
  return ['Security Options:', ...lines];
}

function machine(info: SystemInfo): string[] {
  return [
    line('Kernel Version', info.KernelVersion),
    line('Operating System', info.OperatingSystem),
    line('OSType', info.OSType),
    line('Architecture', info.Architecture),
    line('CPUs', info.NCPU),
    line('Total Memory', binarySize(info.MemTotal)),
    ...optional('Name', info.Name),
    ...optional('ID', info.ID),
    line('Docker Root Dir', info.DockerRootDir),
    line('Debug Mode', info.Debug),
    ...optional('HTTP Proxy', info.HttpProxy),
    ...optional('HTTPS Proxy', info.HttpsProxy),
    ...optional('No Proxy', info.NoProxy),
  ];
}

function settings(info: SystemInfo): string[] {
  const list = (name: string, values: readonly unknown[] | null | undefined) =>
    values?.length ? [`${name}:`, ...values.map((value) => ` ${value}`)] : [];
  const pools = (info.DefaultAddressPools ?? []).map((pool) => ` Base: ${pool.Base}, Size: ${pool.Size}`);
  return [
    ...list('Labels', info.Labels),
    line('Experimental', info.ExperimentalBuild),
    ...list('Insecure Registries', info.RegistryConfig?.InsecureRegistryCIDRs),
    ...list('Registry Mirrors', info.RegistryConfig?.Mirrors),
    line('Live Restore Enabled', info.LiveRestoreEnabled),
    ...(pools.length > 0 ? ['Default Address Pools:', ...pools] : []),
    ...(info.FirewallBackend ? [line('Firewall Backend', info.FirewallBackend.Driver)] : []),
  ];
}

/** What the daemon warns of, one line each. */
export function infoWarnings(info: SystemInfo): string {
  return (info.Warnings ?? []).map((warning) => `${warning}\n`).join('');
}
