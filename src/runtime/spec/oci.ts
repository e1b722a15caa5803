import type { Int64 } from '#api/types/scalar.ts';
import { stringifyExact } from '#lib/json.ts';

/**
 * The part of an OCI runtime configuration (`config.json`) that this engine writes.
 * Source: OCI Runtime Specification 1.2, config.md and config-linux.md.
 */
export interface OciSpec {
  ociVersion: string;
  process: OciProcess;
  root: { path: string; readonly?: boolean };
  /** Absent when the container shares the host's UTS namespace. */
  hostname?: string;
  mounts: OciMount[];
  /** By the names of config.md (`createContainer`, ...). */
  hooks?: Record<string, OciHook[]>;
  annotations?: Record<string, string>;
  linux: OciLinux;
}

export interface OciProcess {
  terminal?: boolean;
  consoleSize?: { height: number; width: number };
  user: OciUser;
  args: string[];
  env: string[];
  cwd: string;
  capabilities: OciCapabilities;
  rlimits?: OciRlimit[];
  noNewPrivileges?: boolean;
  apparmorProfile?: string;
  oomScoreAdj?: number;
}

export interface OciUser {
  uid: number;
  gid: number;
  additionalGids: number[];
}

/** Absent sets are empty; inheritable and ambient are never given. */
export interface OciCapabilities {
  bounding?: string[];
  effective?: string[];
  permitted?: string[];
}

export interface OciRlimit {
  /** `RLIMIT_NOFILE`, ... */
  type: string;
  hard: Int64;
  soft: Int64;
}

export interface OciMount {
  destination: string;
  type: string;
  source: string;
  options: string[];
}

export interface OciHook {
  path: string;
  args?: string[];
  env?: string[];
  /** Seconds. */
  timeout?: number;
}

export interface OciLinux {
  sysctl?: Record<string, string>;
  resources: OciResources;
  cgroupsPath: string;
  namespaces: OciNamespace[];
  devices?: OciDevice[];
  seccomp?: OciSeccomp;
  maskedPaths?: string[];
  readonlyPaths?: string[];
  rootfsPropagation?: string;
}

export interface OciNamespace {
  type: 'mount' | 'network' | 'uts' | 'pid' | 'ipc' | 'user' | 'cgroup';
  path?: string;
}

export interface OciDevice {
  path: string;
  /** `c`, `b` or `p` */
  type: string;
  major: number;
  minor: number;
  fileMode: number;
  uid: number;
  gid: number;
}

export interface OciDeviceRule {
  allow: boolean;
  /** `a`, `c` or `b`; absent = `a` */
  type?: string;
  /** Absent = any. */
  major?: number;
  minor?: number;
  access: string;
}

export interface OciResources {
  devices: OciDeviceRule[];
  memory?: OciMemory;
  cpu?: OciCpu;
  pids?: { limit: Int64 };
  blockIO?: OciBlockIO;
}

/** Bytes; `swap` is memory + swap. */
export interface OciMemory {
  limit?: Int64;
  reservation?: Int64;
  swap?: Int64;
  kernelTCP?: Int64;
  swappiness?: Int64;
  disableOOMKiller?: boolean;
}

/** Periods, quotas and run times in microseconds. */
export interface OciCpu {
  shares?: Int64;
  quota?: Int64;
  period?: Int64;
  realtimeRuntime?: Int64;
  realtimePeriod?: Int64;
  cpus?: string;
  mems?: string;
}

export interface OciBlockIO {
  weight?: number;
  weightDevice?: { major: number; minor: number; weight: number }[];
  throttleReadBpsDevice?: OciThrottle[];
  throttleWriteBpsDevice?: OciThrottle[];
  throttleReadIOPSDevice?: OciThrottle[];
  throttleWriteIOPSDevice?: OciThrottle[];
}

export interface OciThrottle {
  major: number;
  minor: number;
  rate: Int64;
}

export interface OciSeccomp {
  defaultAction: string;
  defaultErrnoRet?: number;
  architectures?: string[];
  flags?: string[];
  listenerPath?: string;
  listenerMetadata?: string;
  syscalls?: OciSyscall[];
}

export interface OciSyscall {
  names: string[];
  action: string;
  errnoRet?: number;
  args?: OciSyscallArgument[];
}

export interface OciSyscallArgument {
  index: number;
  value: Int64;
  valueTwo?: Int64;
  op: string;
}

/** The text of `config.json`; 64-bit integers keep all their digits. */
export function serializeSpec(spec: OciSpec): string {
  return stringifyExact(spec);
}
