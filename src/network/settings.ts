import { type AddressPool, DEFAULT_POOLS } from './ipam.ts';

/** What the daemon's configuration says about networks; plain data. */
export interface NetworkSettings {
  /** Name of the default network's link. */
  bridge: string;
  /** Address and prefix of the default bridge, `172.17.0.1/16`; absent = a free block of the default pools. */
  bip?: string;
  /** From where networks that name no subnet get one. */
  addressPools: readonly AddressPool[];
  /** The part of the subnet from which containers get addresses, CIDR. */
  fixedCidr?: string;
  /** Absent = that of the link of the default route, at most 1500. */
  mtu?: number;
  /** Whether to switch on net.ipv4.ip_forward. */
  ipForward: boolean;
  /** Whether containers on the default bridge reach each other directly. */
  icc: boolean;
  /** Whether what leaves the bridge gets the host's address. */
  ipMasquerade: boolean;
  /** Where ports are published that name no address: `0.0.0.0` = everywhere, IPv4 and IPv6. */
  publishAddress: string;
  /** How many prepared sandboxes are kept ready. */
  poolSize: number;
}

export const DEFAULT_NETWORK_SETTINGS: NetworkSettings = {
  bridge: 'wherry0',
  addressPools: DEFAULT_POOLS,
  ipForward: true,
  icc: true,
  ipMasquerade: true,
  publishAddress: '0.0.0.0',
  poolSize: 16,
};
