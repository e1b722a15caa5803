import type { EndpointIPAMConfig, EndpointSettings, NetworkingConfig } from '#api/types/network.ts';
import { type Decoder, integer, list, map, nullable, omitEmpty, string, struct } from '../decode.ts';

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
