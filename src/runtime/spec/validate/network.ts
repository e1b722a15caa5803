import type { Config } from '#api/types/container-config.ts';
import type { HostConfig } from '#api/types/host-config.ts';
import type { NetworkingConfig } from '#api/types/network.ts';
import { invalid } from '#errors/errors.ts';
import { parseIp } from '#lib/ip.ts';
import { parsePort, portRequests } from '#network/port-requests.ts';

const MAC_ADDRESS = /^[0-9a-f]{2}([:-])[0-9a-f]{2}(\1[0-9a-f]{2}){4}$/i;

/** Gives warnings; throws `invalid` in Docker's words for options of the network that are wrong or contradict. */
export function checkNetwork(config: Config, hostConfig: HostConfig, networking: Partial<NetworkingConfig>): string[] {
  const { NetworkMode, PortBindings, ExtraHosts, Links, Dns } = hostConfig;
  if (NetworkMode.startsWith('container:')) checkJoined(config, hostConfig);
  if (NetworkMode === 'host' && Links?.length) {
    throw conflicting("host type networking can't be used with links. This would result in undefined behavior");
  }
  for (const key of Object.keys(config.ExposedPorts ?? {})) parsePort(key);
  portRequests(PortBindings ?? {}, [], false);
  for (const link of Links ?? []) checkLink(link);
  for (const host of ExtraHosts ?? []) checkExtraHost(host);
  for (const server of Dns ?? []) {
    if (!parseIp(server)) throw invalid(`bad nameserver address ${server}: ParseAddr("${server}"): unable to parse IP`);
  }
  checkMacAddresses(config, hostConfig, networking);
  return warningsOf(config, hostConfig);
}

function checkMacAddresses(config: Config, hostConfig: HostConfig, networking: Partial<NetworkingConfig>): void {
  const own: [string, string | undefined][] = [[hostConfig.NetworkMode, config.MacAddress]];
  const endpoints = Object.entries(networking.EndpointsConfig ?? {}).map(([name, endpoint]) => [
    name,
    endpoint?.MacAddress,
  ]);
  for (const [network, address] of [...own, ...endpoints]) {
    if (address && !MAC_ADDRESS.test(address)) {
      throw invalid(`invalid config for network ${network}: invalid MAC address ${address}`);
    }
  }
}

function warningsOf(config: Config, hostConfig: HostConfig): string[] {
  const published = Object.keys(hostConfig.PortBindings ?? {}).length > 0;
  return [
    ...(hostConfig.NetworkMode === 'host' && published
      ? ['Published ports are discarded when using host network mode']
      : []),
    ...(config.MacAddress
      ? ['The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.']
      : []),
  ];
}

/** What belongs to the network of the other container cannot be given here. */
function checkJoined(config: Config, hostConfig: HostConfig): void {
  const { NetworkMode, Links, Dns, ExtraHosts, PortBindings, PublishAllPorts } = hostConfig;
  if (NetworkMode === 'container:') {
    throw invalid('Invalid network mode: invalid container format container:<name|id>');
  }
  if (config.Hostname) throw conflicting('hostname and the network mode');
  if (Links?.length) {
    throw conflicting("container type network can't be used with links. This would result in undefined behavior");
  }
  if (Dns?.length) throw conflicting('dns and the network mode');
  if (ExtraHosts?.length) throw conflicting('custom host-to-IP mapping and the network mode');
  if (Object.keys(PortBindings ?? {}).length > 0 || PublishAllPorts) {
    throw conflicting('port publishing and the container type network mode');
  }
  if (Object.keys(config.ExposedPorts ?? {}).length > 0) {
    throw conflicting('port exposing and the container type network mode');
  }
}

function checkLink(link: string): void {
  const parts = link.split(':');
  if (parts.length > 2 || parts.some((part) => part === '')) throw invalid(`bad format for links: ${link}`);
}

/** `name:address`; the address may be `host-gateway` or stand in brackets. */
function checkExtraHost(entry: string): void {
  const colon = entry.indexOf(':');
  if (colon < 1) throw invalid(`bad format for add-host: "${entry}"`, { hint: 'Write NAME:ADDRESS.' });
  const address = entry.slice(colon + 1).replace(/^\[(.*)\]$/, '$1');
  if (address !== 'host-gateway' && !parseIp(address)) throw invalid(`invalid IP address in add-host: "${address}"`);
}

function conflicting(what: string) {
  return invalid(`conflicting options: ${what}`);
}
