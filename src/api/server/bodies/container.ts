import type { Config, HealthConfig } from '#api/types/container-config.ts';
import type {
  DeviceMapping,
  DeviceRequest,
  HostConfig,
  LogConfig,
  Resources,
  RestartPolicy,
  ThrottleDevice,
  Ulimit,
  WeightDevice,
} from '#api/types/host-config.ts';
import type { BindOptions, Mount, TmpfsOptions, VolumeOptions } from '#api/types/mount.ts';
import type { EndpointIPAMConfig, EndpointSettings, NetworkingConfig } from '#api/types/network.ts';
import type { PortBinding, PortMap } from '#api/types/port.ts';
import {
  boolean,
  type Decoder,
  decode,
  int64,
  integer,
  list,
  map,
  nullable,
  omitEmpty,
  optional,
  pair,
  string,
  stringSet,
  strings,
  struct,
  uint16,
  uint64,
} from '../decode.ts';
import type { OldLimits } from '../versions/create.ts';

/** How the parts of a create request are decoded. Types that the wire limits to some words stay unchecked here. */
const word = <T extends string>() => string as Decoder<string> as Decoder<T>;

const healthConfig = struct<HealthConfig>('HealthConfig', {
  Test: omitEmpty(list(string)),
  Interval: omitEmpty(int64),
  Timeout: omitEmpty(int64),
  StartPeriod: omitEmpty(int64),
  StartInterval: omitEmpty(int64),
  Retries: omitEmpty(integer),
});

const configFields = {
  Hostname: string,
  Domainname: string,
  User: string,
  AttachStdin: boolean,
  AttachStdout: boolean,
  AttachStderr: boolean,
  ExposedPorts: omitEmpty(stringSet),
  Tty: boolean,
  OpenStdin: boolean,
  StdinOnce: boolean,
  Env: list(string),
  Cmd: strings,
  Healthcheck: optional(healthConfig),
  ArgsEscaped: omitEmpty(boolean),
  Image: string,
  Volumes: stringSet,
  WorkingDir: string,
  Entrypoint: strings,
  NetworkDisabled: omitEmpty(boolean),
  MacAddress: omitEmpty(string),
  OnBuild: list(string),
  Labels: map(string),
  StopSignal: omitEmpty(string),
  StopTimeout: optional(integer),
  Shell: omitEmpty(strings),
};

export const config: Decoder<Config> = struct<Config>('Config', configFields);

const throttleDevices = list(struct<ThrottleDevice>('ThrottleDevice', { Path: string, Rate: uint64 }));

const resourceFields = {
  CpuShares: int64,
  Memory: int64,
  NanoCpus: int64,
  CgroupParent: string,
  BlkioWeight: uint16,
  BlkioWeightDevice: list(struct<WeightDevice>('WeightDevice', { Path: string, Weight: uint16 })),
  BlkioDeviceReadBps: throttleDevices,
  BlkioDeviceWriteBps: throttleDevices,
  BlkioDeviceReadIOps: throttleDevices,
  BlkioDeviceWriteIOps: throttleDevices,
  CpuPeriod: int64,
  CpuQuota: int64,
  CpuRealtimePeriod: int64,
  CpuRealtimeRuntime: int64,
  CpusetCpus: string,
  CpusetMems: string,
  Devices: list(
    struct<DeviceMapping>('DeviceMapping', { PathOnHost: string, PathInContainer: string, CgroupPermissions: string }),
  ),
  DeviceCgroupRules: list(string),
  DeviceRequests: list(
    struct<DeviceRequest>('DeviceRequest', {
      Driver: string,
      Count: integer,
      DeviceIDs: list(string),
      Capabilities: list(list(string)) as Decoder<string[][] | null>,
      Options: map(string),
    }),
  ),
  KernelMemory: omitEmpty(int64),
  KernelMemoryTCP: omitEmpty(int64),
  MemoryReservation: int64,
  MemorySwap: int64,
  MemorySwappiness: nullable(int64),
  OomKillDisable: nullable(boolean),
  PidsLimit: nullable(int64),
  Ulimits: list(struct<Ulimit>('Ulimit', { Name: string, Hard: int64, Soft: int64 })),
  CpuCount: int64,
  CpuPercent: int64,
  IOMaximumIOps: uint64,
  IOMaximumBandwidth: uint64,
};

export const resources: Decoder<Resources> = struct<Resources>('Resources', resourceFields);

const portMap: Decoder<PortMap | null> = map(
  list(struct<PortBinding>('PortBinding', { HostIp: string, HostPort: string })),
);

const mount = struct<Mount>('Mount', {
  Type: omitEmpty(word<NonNullable<Mount['Type']>>()),
  Source: omitEmpty(string),
  Target: omitEmpty(string),
  ReadOnly: omitEmpty(boolean),
  Consistency: omitEmpty(string),
  BindOptions: optional(
    struct<BindOptions>('BindOptions', {
      Propagation: omitEmpty(word<NonNullable<BindOptions['Propagation']>>()),
      NonRecursive: omitEmpty(boolean),
      CreateMountpoint: omitEmpty(boolean),
      ReadOnlyNonRecursive: omitEmpty(boolean),
      ReadOnlyForceRecursive: omitEmpty(boolean),
    }),
  ),
  VolumeOptions: optional(
    struct<VolumeOptions>('VolumeOptions', {
      NoCopy: omitEmpty(boolean),
      Labels: omitEmpty(map(string)),
      Subpath: omitEmpty(string),
      DriverConfig: optional(
        struct<NonNullable<VolumeOptions['DriverConfig']>>('Driver', {
          Name: omitEmpty(string),
          Options: omitEmpty(map(string)),
        }),
      ),
    }),
  ),
  ImageOptions: optional(struct<{ Subpath?: string }>('ImageOptions', { Subpath: omitEmpty(string) })),
  TmpfsOptions: optional(
    struct<TmpfsOptions>('TmpfsOptions', {
      SizeBytes: omitEmpty(int64),
      Mode: omitEmpty(integer),
      Options: omitEmpty(list(list(string)) as Decoder<string[][] | null>),
    }),
  ),
});

export const hostConfig: Decoder<HostConfig> = struct<HostConfig>('HostConfig', {
  Binds: list(string),
  ContainerIDFile: string,
  LogConfig: struct<LogConfig>('LogConfig', { Type: string, Config: map(string) }),
  NetworkMode: string,
  PortBindings: portMap,
  RestartPolicy: struct<RestartPolicy>('RestartPolicy', {
    Name: word<RestartPolicy['Name']>(),
    MaximumRetryCount: integer,
  }),
  AutoRemove: boolean,
  VolumeDriver: string,
  VolumesFrom: list(string),
  ConsoleSize: pair,
  Annotations: omitEmpty(map(string)),
  CapAdd: strings,
  CapDrop: strings,
  CgroupnsMode: word<HostConfig['CgroupnsMode']>(),
  Dns: list(string),
  DnsOptions: list(string),
  DnsSearch: list(string),
  ExtraHosts: list(string),
  GroupAdd: list(string),
  IpcMode: string,
  Cgroup: string,
  Links: list(string),
  OomScoreAdj: integer,
  PidMode: string,
  Privileged: boolean,
  PublishAllPorts: boolean,
  ReadonlyRootfs: boolean,
  SecurityOpt: list(string),
  StorageOpt: omitEmpty(map(string)),
  Tmpfs: omitEmpty(map(string)),
  UTSMode: string,
  UsernsMode: string,
  ShmSize: int64,
  Sysctls: omitEmpty(map(string)),
  Runtime: omitEmpty(string),
  Isolation: string,
  ...resourceFields,
  Mounts: omitEmpty(list(mount)),
  MaskedPaths: list(string),
  ReadonlyPaths: list(string),
  Init: optional(boolean),
});

const endpointSettings = struct<EndpointSettings>('EndpointSettings', {
  IPAMConfig: nullable(
    struct<EndpointIPAMConfig>('EndpointIPAMConfig', {
      IPv4Address: omitEmpty(string),
      IPv6Address: omitEmpty(string),
      LinkLocalIPs: omitEmpty(list(string)),
    }),
  ),
  Links: list(string),
  Aliases: list(string),
  MacAddress: string,
  DriverOpts: map(string),
  GwPriority: integer,
  NetworkID: string,
  EndpointID: string,
  Gateway: string,
  IPAddress: string,
  IPPrefixLen: integer,
  IPv6Gateway: string,
  GlobalIPv6Address: string,
  GlobalIPv6PrefixLen: integer,
  DNSNames: list(string),
});

export const networkingConfig: Decoder<NetworkingConfig> = struct<NetworkingConfig>('NetworkingConfig', {
  EndpointsConfig: map(endpointSettings),
});

const createFields = struct<Config & { HostConfig: HostConfig; NetworkingConfig: NetworkingConfig } & OldLimits>(
  'CreateRequest',
  {
    ...configFields,
    HostConfig: hostConfig,
    NetworkingConfig: networkingConfig,
    Memory: optional(int64),
    MemorySwap: optional(int64),
    CpuShares: optional(int64),
    Cpuset: optional(string),
    CpusetCpus: optional(string),
  },
);

/** A create request: the config's fields with the host config, the endpoints and, of old, some limits among them. */
export function createBody(body: unknown): {
  config: Config;
  hostConfig: HostConfig;
  networkingConfig: NetworkingConfig;
  oldLimits: OldLimits;
} {
  const { HostConfig, NetworkingConfig, Memory, MemorySwap, CpuShares, Cpuset, CpusetCpus, ...config } = decode(
    createFields,
    body,
    'CreateRequest',
  );
  return {
    config,
    hostConfig: HostConfig,
    networkingConfig: NetworkingConfig,
    oldLimits: { Memory, MemorySwap, CpuShares, Cpuset, CpusetCpus },
  };
}
