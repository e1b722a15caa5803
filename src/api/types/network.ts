import type { PortMap } from './port.ts';
import type { Timestamp } from './scalar.ts';

/** A container's place in one network: what was asked for and, below, what it got. */
export interface EndpointSettings {
  IPAMConfig: EndpointIPAMConfig | null;
  Links: string[] | null;
  Aliases: string[] | null;
  MacAddress: string;
  DriverOpts: Record<string, string> | null;
  /** The endpoint with the highest one gives the default gateway. */
  GwPriority: number;
  NetworkID: string;
  EndpointID: string;
  Gateway: string;
  IPAddress: string;
  IPPrefixLen: number;
  IPv6Gateway: string;
  GlobalIPv6Address: string;
  GlobalIPv6PrefixLen: number;
  DNSNames: string[] | null;
}

export interface EndpointIPAMConfig {
  IPv4Address?: string;
  IPv6Address?: string;
  LinkLocalIPs?: string[];
}

/** The third part of a create request: network name -> endpoint. */
export interface NetworkingConfig {
  EndpointsConfig: Record<string, EndpointSettings> | null;
}

/** The network part of a container's inspect; the fields below `Ports` repeat the default network's endpoint. */
export interface NetworkSettings {
  Bridge: string;
  SandboxID: string;
  SandboxKey: string;
  Ports: PortMap;
  HairpinMode: boolean;
  LinkLocalIPv6Address: string;
  LinkLocalIPv6PrefixLen: number;
  SecondaryIPAddresses: Address[] | null;
  SecondaryIPv6Addresses: Address[] | null;
  EndpointID: string;
  Gateway: string;
  GlobalIPv6Address: string;
  GlobalIPv6PrefixLen: number;
  IPAddress: string;
  IPPrefixLen: number;
  IPv6Gateway: string;
  MacAddress: string;
  Networks: Record<string, EndpointSettings>;
}

export interface Address {
  Addr: string;
  PrefixLen: number;
}

export interface Network {
  Name: string;
  Id: string;
  Created: Timestamp;
  Scope: 'local' | 'global' | 'swarm';
  Driver: string;
  EnableIPv4: boolean;
  EnableIPv6: boolean;
  IPAM: IPAM;
  Internal: boolean;
  Attachable: boolean;
  Ingress: boolean;
  ConfigFrom: { Network: string };
  ConfigOnly: boolean;
  /** Container id -> endpoint; filled by inspect, empty in a list. */
  Containers: Record<string, NetworkContainer>;
  Options: Record<string, string>;
  Labels: Record<string, string>;
}

export interface IPAM {
  Driver: string;
  Options: Record<string, string> | null;
  /** null for a network that has no addresses. */
  Config: IPAMConfig[] | null;
}

export interface IPAMConfig {
  /** CIDR */
  Subnet?: string;
  /** CIDR within Subnet */
  IPRange?: string;
  Gateway?: string;
  AuxiliaryAddresses?: Record<string, string>;
}

export interface NetworkContainer {
  Name: string;
  EndpointID: string;
  MacAddress: string;
  /** CIDR */
  IPv4Address: string;
  /** CIDR, or empty */
  IPv6Address: string;
}

/** The body of `POST /networks/create`. */
export interface NetworkCreateRequest {
  Name: string;
  Driver: string;
  Scope: string;
  /** Absent = true. */
  EnableIPv4?: boolean;
  EnableIPv6?: boolean;
  IPAM: IPAM | null;
  Internal: boolean;
  Attachable: boolean;
  Ingress: boolean;
  ConfigOnly: boolean;
  ConfigFrom: { Network: string };
  Options: Record<string, string> | null;
  Labels: Record<string, string> | null;
}

export interface NetworkCreateResponse {
  Id: string;
  Warning: string;
}

/** The body of `POST /networks/{id}/connect`. */
export interface NetworkConnectRequest {
  Container: string;
  EndpointConfig: EndpointSettings | null;
}

/** The body of `POST /networks/{id}/disconnect`. */
export interface NetworkDisconnectRequest {
  Container: string;
  Force: boolean;
}

export interface NetworkPruneResponse {
  /** Names. */
  NetworksDeleted: string[] | null;
}
