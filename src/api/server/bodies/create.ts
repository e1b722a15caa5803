import type { Config } from '#api/types/container-config.ts';
import type { HostConfig } from '#api/types/host-config.ts';
import type { NetworkingConfig } from '#api/types/network.ts';
import { decode, int64, optional, string, struct } from '../decode.ts';
import type { OldLimits } from '../versions/create.ts';
import { configFields } from './config.ts';
import { hostConfig } from './host-config.ts';
import { networkingConfig } from './network.ts';

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
