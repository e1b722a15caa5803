import { isIP } from 'node:net';
import type { PortMap } from '#api/types/port.ts';
import type { StringSet } from '#api/types/scalar.ts';
import { CommandError } from '../errors.ts';
import { parseCsvLine, splitPair } from './csv.ts';

const protocols = new Set(['tcp', 'udp', 'sctp']);

/**
 * The published and exposed ports of a container from `--publish` and `--expose`.
 *
 * @throws CommandError for what is no port, range, address or protocol.
 */
export function parsePorts(publish: string[], expose: string[]): { exposed: StringSet; bindings: PortMap } {
  const exposed: StringSet = {};
  const bindings: PortMap = {};
  for (const text of publish) {
    for (const { port, ip, host } of parsePublish(shortForm(text))) {
      exposed[port] = {};
      bindings[port] = [...(bindings[port] ?? []), { HostIp: ip, HostPort: host }];
    }
  }
  for (const text of expose) {
    if (text.includes(':')) throw new CommandError(`invalid port format for --expose: ${text}`, { exitCode: 125 });
    const { range, protocol } = splitProtocol(text);
    const [first, last] = parseRange(range) ?? refuse(`invalid range format for --expose: ${text}`);
    for (let port = first; port <= last; port++) exposed[`${port}/${protocol}`] = {};
  }
  return { exposed, bindings };
}

/** `published=8080,target=80,protocol=udp` as `8080:80/udp`; anything else as it is. */
function shortForm(text: string): string {
  if (!text.includes('=')) return text;
  const values: Record<string, string> = {};
  for (const field of parseCsvLine(text)) {
    const [name, value] = splitPair(field);
    if (value === undefined || value === '') refuse(`invalid field ${field}`);
    values[name.toLowerCase()] = value!;
  }
  const { target = '', published, protocol = 'tcp' } = values;
  const port = `${target}/${protocol}`;
  return published ? `${published}:${port}` : port;
}

interface Published {
  /** `80/tcp` */
  port: string;
  ip: string;
  host: string;
}

/** `[[ip:][hostPort]:]containerPort[/protocol]`, with ranges. */
function parsePublish(text: string): Published[] {
  const { range: rest, protocol } = splitProtocol(text);
  const { ip, host, container } = splitAddress(rest);
  if (ip !== '' && isIP(ip) === 0) refuse(`invalid IP address: ${ip}`);
  if (container === '') refuse(`no port specified: ${text}<empty>`);
  const [first, last] = parseRange(container) ?? refuse(`invalid containerPort: ${container}`);
  if (!protocols.has(protocol)) refuse(`invalid proto: ${protocol}`);
  if (host === '') return each(first, last, (port) => ({ port: `${port}/${protocol}`, ip, host: '' }));
  const [hostFirst, hostLast] = parseRange(host) ?? refuse(`invalid hostPort: ${host}`);
  if (last - first === hostLast - hostFirst) {
    return each(first, last, (port) => ({ port: `${port}/${protocol}`, ip, host: String(hostFirst + port - first) }));
  }
  if (first !== last) refuse(`invalid ranges specified for container and host Ports: ${container} and ${host}`);
  return [{ port: `${first}/${protocol}`, ip, host: `${hostFirst}-${hostLast}` }];
}

function splitAddress(text: string): { ip: string; host: string; container: string } {
  const parts = text.split(':');
  const container = parts.pop()!;
  const host = parts.pop() ?? '';
  const ip = parts.join(':');
  return { ip: ip.replace(/^\[(.*)\]$/, '$1'), host, container };
}

function splitProtocol(text: string): { range: string; protocol: string } {
  const at = text.indexOf('/');
  if (at < 0) return { range: text, protocol: 'tcp' };
  return { range: text.slice(0, at), protocol: text.slice(at + 1).toLowerCase() || 'tcp' };
}

function parseRange(text: string): [first: number, last: number] | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (!match) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first <= last && last <= 65535 ? [first, last] : undefined;
}

function each<T>(first: number, last: number, make: (port: number) => T): T[] {
  return Array.from({ length: last - first + 1 }, (_, index) => make(first + index));
}

function refuse(message: string): never {
  throw new CommandError(message, { exitCode: 125 });
}
