import type { DeviceMapping, DeviceRequest, ThrottleDevice, Ulimit, WeightDevice } from '#api/types/host-config.ts';
import {
  boolean,
  type Decoder,
  int64,
  integer,
  list,
  map,
  nullable,
  omitEmpty,
  string,
  struct,
  uint16,
  uint64,
} from '../decode.ts';

const throttleDevices = list(struct<ThrottleDevice>('ThrottleDevice', { Path: string, Rate: uint64 }));

/** The fields of the limits; they stand among those of the host config. */
export const resourceFields = {
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
