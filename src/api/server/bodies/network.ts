import type {
  EndpointIPAMConfig,
  EndpointSettings,
  IPAM,
  IPAMConfig,
  NetworkConnectRequest,
  NetworkCreateRequest,
  NetworkDisconnectRequest,
  NetworkingConfig,
} from '#api/types/network.ts';
import { boolean, type Decoder, integer, list, map, nullable, omitEmpty, optional, string, struct } from '../decode.ts';

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

const ipam = struct<IPAM>('IPAM', {
  Driver: string,
  Options: map(string),
  Config: {
    ...list(
      struct<IPAMConfig>('IPAMConfig', {
        Subnet: omitEmpty(string),
        IPRange: omitEmpty(string),
        Gateway: omitEmpty(string),
        AuxiliaryAddresses: omitEmpty(map(string)) as Decoder<Record<string, string> | undefined>,
      }),
    ),
    zero: () => [],
  } as Decoder<IPAMConfig[]>,
});

/** How the body of `POST /networks/create` is decoded. */
export const networkCreateRequest: Decoder<NetworkCreateRequest> = struct<NetworkCreateRequest>(
  'NetworkCreateRequest',
  {
    Name: string,
    Driver: string,
    Scope: string,
    EnableIPv4: optional(boolean),
    EnableIPv6: optional(boolean),
    IPAM: nullable(ipam),
    Internal: boolean,
    Attachable: boolean,
    Ingress: boolean,
    ConfigOnly: boolean,
    ConfigFrom: struct<{ Network: string }>('ConfigReference', { Network: string }),
    Options: map(string),
    Labels: map(string),
  },
);

/** How the body of `POST /networks/{id}/connect` is decoded. */
export const networkConnectRequest: Decoder<NetworkConnectRequest> = struct<NetworkConnectRequest>('NetworkConnect', {
  Container: string,
  EndpointConfig: nullable(endpointSettings),
});

/** How the body of `POST /networks/{id}/disconnect` is decoded. */
export const networkDisconnectRequest: Decoder<NetworkDisconnectRequest> = struct<NetworkDisconnectRequest>(
  'NetworkDisconnect',
  { Container: string, Force: boolean },
);
