import type { PortMap } from '#api/types/port.ts';
import { invalid } from '#errors/errors.ts';
import { formatIp, parseIp } from '#lib/ip.ts';
import type { PortWishes } from './attach-request.ts';
import type { TransportProtocol } from './published-port.ts';

/** One port that a container wants published, before anyone knows whether the host's port is free. */
export interface PortRequest {
  protocol: TransportProtocol;
  containerPort: number;
  /** Canonical address; empty = the default of the configuration. */
  hostAddress: string;
  /** The first free port of this range is taken; 0-0 = any free port. */
  firstPort: number;
  lastPort: number;
}

/** `80/tcp` -> its number and protocol; throws `invalid` as Docker does. */
export function parsePort(text: string): { port: number; protocol: TransportProtocol } {
  const [number, protocol = 'tcp'] = text.split('/');
  if (protocol !== 'tcp' && protocol !== 'udp' && protocol !== 'sctp') throw invalid(`invalid proto: ${protocol}`);
  return { port: parseNumber(number!, `invalid containerPort: ${number}`, 1), protocol };
}

/** Throws `invalid` as Docker does. */
export function requestedPorts({
  portBindings = {},
  exposedPorts = [],
  publishAll = false,
}: PortWishes): PortRequest[] {
  return portRequests(portBindings, exposedPorts, publishAll);
}

/**
 * What `HostConfig.PortBindings` and, with `publishAll`, the exposed ports ask for: fixed ports first, then ranges,
 * then any free ones, so that nobody is given a port that the same container names.
 */
export function portRequests(bindings: PortMap, exposed: string[], publishAll: boolean): PortRequest[] {
  const requests: PortRequest[] = [];
  for (const [key, wanted] of Object.entries(bindings)) {
    const { port, protocol } = parsePort(key);
    for (const { HostIp, HostPort } of wanted ?? []) {
      const address = parseAddress(HostIp ?? '');
      requests.push({ protocol, containerPort: port, hostAddress: address, ...parseRange(HostPort ?? '') });
    }
  }
  if (publishAll) {
    for (const key of exposed) {
      if (bindings[key]?.length) continue;
      const { port, protocol } = parsePort(key);
      requests.push({ protocol, containerPort: port, hostAddress: '', firstPort: 0, lastPort: 0 });
    }
  }
  return requests.sort((a, b) => breadth(a) - breadth(b));
}

function breadth({ firstPort, lastPort }: PortRequest): number {
  return firstPort === 0 ? Number.MAX_SAFE_INTEGER : lastPort - firstPort;
}

function parseAddress(text: string): string {
  if (text === '') return '';
  const bytes = parseIp(text.replace(/^\[(.*)\]$/, '$1'));
  if (!bytes) throw invalid(`invalid IP address: ${text}`);
  return formatIp(bytes);
}

function parseRange(text: string): { firstPort: number; lastPort: number } {
  if (text === '') return { firstPort: 0, lastPort: 0 };
  const message = `invalid hostPort: ${text}`;
  const [first, last = first, ...more] = text.split('-');
  const range = { firstPort: parseNumber(first!, message, 0), lastPort: parseNumber(last!, message, 0) };
  if (range.lastPort < range.firstPort || more.length > 0) throw invalid(message);
  return range;
}

function parseNumber(text: string, message: string, least: number): number {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= least && number <= 65535)) {
    throw invalid(message, { hint: `A port is a number from ${least} to 65535, a range is FIRST-LAST.` });
  }
  return number;
}
