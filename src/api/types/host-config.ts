import type { Mount } from './mount.ts';
import type { PortMap } from './port.ts';
import type { Int64 } from './scalar.ts';

/** What ties a container to this host. */
export interface HostConfig extends Resources {
  /** `source:target[:options]` */
  Binds: string[] | null;
  ContainerIDFile: string;
  LogConfig: LogConfig;
  /** `default`, `bridge`, `none`, `host`, `container:<name|id>` or a network. */
  NetworkMode: string;
  PortBindings: PortMap | null;
  RestartPolicy: RestartPolicy;
  AutoRemove: boolean;
  VolumeDriver: string;
  /** `container[:ro|rw]` */
  VolumesFrom: string[] | null;
  /** `[height, width]` */
  ConsoleSize: [number, number];
  Annotations?: Record<string, string>;
  CapAdd: string[] | null;
  CapDrop: string[] | null;
  CgroupnsMode: '' | 'private' | 'host';
  Dns: string[] | null;
  DnsOptions: string[] | null;
  DnsSearch: string[] | null;
  /** `host:address` */
  ExtraHosts: string[] | null;
  GroupAdd: string[] | null;
  /** `''`, `none`, `private`, `shareable`, `host`, `container:<name|id>` */
  IpcMode: string;
  Cgroup: string;
  Links: string[] | null;
  OomScoreAdj: number;
  PidMode: string;
  Privileged: boolean;
  PublishAllPorts: boolean;
  ReadonlyRootfs: boolean;
  SecurityOpt: string[] | null;
  StorageOpt?: Record<string, string>;
  /** Target -> mount options. */
  Tmpfs?: Record<string, string>;
  UTSMode: string;
  UsernsMode: string;
  /** Bytes of /dev/shm; 0 = the daemon's default. */
  ShmSize: Int64;
  Sysctls?: Record<string, string>;
  Runtime?: string;
  Isolation: string;
  Mounts?: Mount[];
  /** null = the default list; [] = none. */
  MaskedPaths: string[] | null;
  /** null = the default list; [] = none. */
  ReadonlyPaths: string[] | null;
  /** Absent = the daemon's default. */
  Init?: boolean;
}

/** The limits; the part that `update` may change. 0 = no limit unless said otherwise. */
export interface Resources {
  CpuShares: Int64;
  /** Bytes. */
  Memory: Int64;
  /** 10^-9 CPUs. */
  NanoCpus: Int64;
  CgroupParent: string;
  /** 10..1000 */
  BlkioWeight: number;
  BlkioWeightDevice: WeightDevice[] | null;
  BlkioDeviceReadBps: ThrottleDevice[] | null;
  BlkioDeviceWriteBps: ThrottleDevice[] | null;
  BlkioDeviceReadIOps: ThrottleDevice[] | null;
  BlkioDeviceWriteIOps: ThrottleDevice[] | null;
  /** Microseconds. */
  CpuPeriod: Int64;
  /** Microseconds per period; -1 = no limit. */
  CpuQuota: Int64;
  /** Microseconds. */
  CpuRealtimePeriod: Int64;
  /** Microseconds. */
  CpuRealtimeRuntime: Int64;
  CpusetCpus: string;
  CpusetMems: string;
  Devices: DeviceMapping[] | null;
  DeviceCgroupRules: string[] | null;
  DeviceRequests: DeviceRequest[] | null;
  /** Bytes; deprecated, kernel memory cannot be limited on cgroup v2. */
  KernelMemory?: Int64;
  /** Bytes. */
  KernelMemoryTCP?: Int64;
  /** Bytes. */
  MemoryReservation: Int64;
  /** Bytes, memory + swap; -1 = unlimited swap; 0 = twice Memory. */
  MemorySwap: Int64;
  /** 0..100; null or -1 = the kernel's. */
  MemorySwappiness: Int64 | null;
  OomKillDisable: boolean | null;
  /** null, 0 and -1 = unlimited. */
  PidsLimit: Int64 | null;
  Ulimits: Ulimit[] | null;
  CpuCount: Int64;
  CpuPercent: Int64;
  IOMaximumIOps: Int64;
  IOMaximumBandwidth: Int64;
}

export interface LogConfig {
  /** Empty = the daemon's default driver. */
  Type: string;
  Config: Record<string, string> | null;
}

export interface RestartPolicy {
  Name: '' | 'no' | 'always' | 'unless-stopped' | 'on-failure';
  MaximumRetryCount: number;
}

export interface WeightDevice {
  Path: string;
  Weight: number;
}

export interface ThrottleDevice {
  Path: string;
  /** Bytes or operations per second. */
  Rate: Int64;
}

export interface DeviceMapping {
  PathOnHost: string;
  PathInContainer: string;
  /** Letters of `rwm`. */
  CgroupPermissions: string;
}

export interface DeviceRequest {
  Driver: string;
  /** -1 = all. */
  Count: number;
  DeviceIDs: string[] | null;
  /** An OR of ANDs. */
  Capabilities: string[][] | null;
  Options: Record<string, string> | null;
}

/** -1 = unlimited. */
export interface Ulimit {
  Name: string;
  Hard: Int64;
  Soft: Int64;
}

export const EMPTY_RESOURCES: Readonly<Resources> = Object.freeze({
  CpuShares: 0,
  Memory: 0,
  NanoCpus: 0,
  CgroupParent: '',
  BlkioWeight: 0,
  BlkioWeightDevice: null,
  BlkioDeviceReadBps: null,
  BlkioDeviceWriteBps: null,
  BlkioDeviceReadIOps: null,
  BlkioDeviceWriteIOps: null,
  CpuPeriod: 0,
  CpuQuota: 0,
  CpuRealtimePeriod: 0,
  CpuRealtimeRuntime: 0,
  CpusetCpus: '',
  CpusetMems: '',
  Devices: null,
  DeviceCgroupRules: null,
  DeviceRequests: null,
  MemoryReservation: 0,
  MemorySwap: 0,
  MemorySwappiness: null,
  OomKillDisable: null,
  PidsLimit: null,
  Ulimits: null,
  CpuCount: 0,
  CpuPercent: 0,
  IOMaximumIOps: 0,
  IOMaximumBandwidth: 0,
});

export const EMPTY_HOST_CONFIG: Readonly<HostConfig> = Object.freeze({
  Binds: null,
  ContainerIDFile: '',
  LogConfig: Object.freeze({ Type: '', Config: null }),
  NetworkMode: '',
  PortBindings: null,
  RestartPolicy: Object.freeze<RestartPolicy>({ Name: '', MaximumRetryCount: 0 }),
  AutoRemove: false,
  VolumeDriver: '',
  VolumesFrom: null,
  ConsoleSize: Object.freeze([0, 0]) as [number, number],
  CapAdd: null,
  CapDrop: null,
  CgroupnsMode: '',
  Dns: null,
  DnsOptions: null,
  DnsSearch: null,
  ExtraHosts: null,
  GroupAdd: null,
  IpcMode: '',
  Cgroup: '',
  Links: null,
  OomScoreAdj: 0,
  PidMode: '',
  Privileged: false,
  PublishAllPorts: false,
  ReadonlyRootfs: false,
  SecurityOpt: null,
  UTSMode: '',
  UsernsMode: '',
  ShmSize: 0,
  Isolation: '',
  ...EMPTY_RESOURCES,
  MaskedPaths: null,
  ReadonlyPaths: null,
});
