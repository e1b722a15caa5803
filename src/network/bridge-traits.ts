import { invalid } from '#errors/errors.ts';
import { formatIp, parseIp } from '#lib/ip.ts';
import type { NetworkRecord } from './network-record.ts';
import type { NetworkSettings } from './settings.ts';

/** How a bridge treats the traffic of its containers. */
export interface BridgeTraits {
  /** Nothing but the containers themselves and this host is reached from it. */
  internal: boolean;
  /** Containers on it reach each other. */
  icc: boolean;
  /** What leaves it gets the host's address. */
  masquerade: boolean;
  /** Where its containers publish ports that name no address. */
  publishAddress: string;
}

/** The options of a network (`docker network create -o`) that mean something here; others are kept and shown. */
export const BRIDGE_OPTION = {
  name: 'com.docker.network.bridge.name',
  icc: 'com.docker.network.bridge.enable_icc',
  masquerade: 'com.docker.network.bridge.enable_ip_masquerade',
  publishAddress: 'com.docker.network.bridge.host_binding_ipv4',
  mtu: 'com.docker.network.driver.mtu',
} as const;

/** Those of the default bridge come from the configuration, those of others from their options. */
export function bridgeTraits({ request }: Pick<NetworkRecord, 'request'>, settings: NetworkSettings): BridgeTraits {
  const { icc, ipMasquerade, publishAddress } = settings;
  if (!request) return { internal: false, icc, masquerade: ipMasquerade, publishAddress };
  const { internal, options } = request;
  return {
    internal,
    icc: booleanOption(options, BRIDGE_OPTION.icc, true),
    masquerade: !internal && booleanOption(options, BRIDGE_OPTION.masquerade, true),
    publishAddress: addressOption(options, BRIDGE_OPTION.publishAddress) ?? publishAddress,
  };
}

/** Bytes; undefined where the options do not say. Throws `invalid` for what is no MTU. */
export function mtuOption(options: Record<string, string>): number | undefined {
  const text = options[BRIDGE_OPTION.mtu];
  if (!text) return undefined;
  const mtu = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (mtu === 0) return undefined;
  if (!(mtu >= 68 && mtu <= 65535)) throw unparsed(BRIDGE_OPTION.mtu, text, 'a number of bytes from 68 to 65535');
  return mtu;
}

const YES = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const NO = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

function booleanOption(options: Record<string, string>, name: string, fallback: boolean): boolean {
  const text = options[name];
  if (text === undefined || text === '') return fallback;
  if (!YES.has(text) && !NO.has(text)) {
    throw invalid(`failed to parse ${name} value: ${text} (strconv.ParseBool: parsing "${text}": invalid syntax)`);
  }
  return YES.has(text);
}

function addressOption(options: Record<string, string>, name: string): string | undefined {
  const text = options[name];
  if (!text) return undefined;
  const bytes = parseIp(text);
  if (!bytes) throw unparsed(name, text, 'an IP address');
  return formatIp(bytes);
}

function unparsed(name: string, text: string, wanted: string) {
  return invalid(`failed to parse ${name} value: ${text}`, { hint: `It must be ${wanted}.` });
}
