import type { HostConfig, LogConfig } from '#api/types/host-config.ts';
import type { PortBinding, PortMap } from '#api/types/port.ts';
import {
  boolean,
  type Decoder,
  int64,
  integer,
  list,
  map,
  omitEmpty,
  optional,
  pair,
  string,
  strings,
  struct,
  word,
} from '../decode.ts';
import { mount } from './mount.ts';
import { resourceFields } from './resources.ts';
import { restartPolicy } from './update.ts';

const portMap: Decoder<PortMap | null> = map(
  list(struct<PortBinding>('PortBinding', { HostIp: string, HostPort: string })),
);

export const hostConfig: Decoder<HostConfig> = struct<HostConfig>('HostConfig', {
  Binds: list(string),
  ContainerIDFile: string,
  LogConfig: struct<LogConfig>('LogConfig', { Type: string, Config: map(string) }),
  NetworkMode: string,
  PortBindings: portMap,
  RestartPolicy: restartPolicy,
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
