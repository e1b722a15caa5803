import type { HostConfig, Ulimit } from '#api/types/host-config.ts';
import type { Int64 } from '#api/types/scalar.ts';
import type { CgroupSupport } from '#linux/cgroup.ts';
import { DEFAULT_MASKED_PATHS, DEFAULT_READONLY_PATHS } from './masked-paths.ts';
import { mergeUlimits } from './rlimits.ts';
import { parseSecurityOptions } from './security-options.ts';

/** The engine's configuration as far as it fills what a request left open. */
export interface EngineDefaults {
  runtime: string;
  /** Bytes of /dev/shm. */
  shmSize: number;
  ipcMode: string;
  /** Absent = host on cgroup v1, private on v2. */
  cgroupnsMode?: 'host' | 'private';
  logDriver: string;
  logOpts: Readonly<Record<string, string>>;
  ulimits: readonly Ulimit[];
  /** `--init` for every container that does not say otherwise. */
  init: boolean;
}

/**
 * Fills what the client left open, as the daemon does and `inspect` then shows. The input is not changed.
 * Call it before `validateCreate`, which judges the filled form.
 */
export function withHostDefaults(given: HostConfig, defaults: EngineDefaults, cgroup: CgroupSupport): HostConfig {
  return {
    ...given,
    NetworkMode: given.NetworkMode === '' || given.NetworkMode === 'default' ? 'bridge' : given.NetworkMode,
    RestartPolicy: {
      Name: given.RestartPolicy.Name || 'no',
      MaximumRetryCount: given.RestartPolicy.MaximumRetryCount ?? 0,
    },
    IpcMode: given.IpcMode || defaults.ipcMode,
    CgroupnsMode: given.CgroupnsMode || cgroupnsMode(given, defaults, cgroup),
    ShmSize: given.ShmSize || defaults.shmSize,
    Runtime: given.Runtime || defaults.runtime,
    LogConfig: logConfig(given, defaults),
    Init: given.Init ?? (defaults.init || undefined),
    SecurityOpt: securityOptions(given),
    ...pathProtection(given),
    ...limits(given, cgroup),
  };
}

/** The container's ulimits and the engine's: what the process gets. `inspect` shows the container's own only. */
export function effectiveUlimits(hostConfig: HostConfig, defaults: EngineDefaults): Ulimit[] {
  return mergeUlimits(hostConfig.Ulimits, defaults.ulimits);
}

function cgroupnsMode(given: HostConfig, defaults: EngineDefaults, cgroup: CgroupSupport): 'host' | 'private' {
  if (given.Privileged && cgroup.version === 1) return 'host';
  return defaults.cgroupnsMode ?? (cgroup.version === 2 ? 'private' : 'host');
}

/** The engine's options hold only for the engine's driver; they never override the container's. */
function logConfig(given: HostConfig, defaults: EngineDefaults): HostConfig['LogConfig'] {
  const type = given.LogConfig.Type || defaults.logDriver;
  const inherited = type === defaults.logDriver ? defaults.logOpts : {};
  return { Type: type, Config: { ...inherited, ...given.LogConfig.Config } };
}

/** Sharing the host's processes or IPC would need relabelling the host's: SELinux is off for such containers. */
function securityOptions(given: HostConfig): string[] | null {
  const shares = given.Privileged || given.IpcMode === 'host' || given.PidMode === 'host';
  const already = given.SecurityOpt?.some((option) => /^label[=:]/.test(option));
  return shares && !already ? [...(given.SecurityOpt ?? []), 'label=disable'] : given.SecurityOpt;
}

function pathProtection(given: HostConfig): Pick<HostConfig, 'MaskedPaths' | 'ReadonlyPaths'> {
  if (parseSecurityOptions(given.SecurityOpt).unmasked) return { MaskedPaths: [], ReadonlyPaths: [] };
  if (given.Privileged) return { MaskedPaths: given.MaskedPaths, ReadonlyPaths: given.ReadonlyPaths };
  return {
    MaskedPaths: given.MaskedPaths ?? [...DEFAULT_MASKED_PATHS],
    ReadonlyPaths: given.ReadonlyPaths ?? [...DEFAULT_READONLY_PATHS],
  };
}

function limits(given: HostConfig, cgroup: CgroupSupport): Partial<HostConfig> {
  const swap = given.Memory > 0 && BigInt(given.MemorySwap) === 0n && cgroup.features.swap;
  return {
    // The kernel no longer keeps this one.
    KernelMemory: undefined,
    ...(swap && { MemorySwap: twice(given.Memory) }),
    MemorySwappiness: given.MemorySwappiness !== null && given.MemorySwappiness < 0 ? null : given.MemorySwappiness,
    // v2 knows no such thing: validation says so to those who ask for it.
    OomKillDisable: cgroup.version === 1 ? (given.OomKillDisable ?? false) : given.OomKillDisable || null,
    PidsLimit: given.PidsLimit !== null && given.PidsLimit <= 0 ? null : given.PidsLimit,
  };
}

/** Exactly, and never more than an int64 holds. */
function twice(value: Int64): Int64 {
  const doubled = BigInt.asIntN(64, BigInt(value) * 2n);
  if (doubled < 0n) return value;
  return doubled <= Number.MAX_SAFE_INTEGER ? Number(doubled) : doubled;
}
