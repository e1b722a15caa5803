import { parseIp } from '#lib/ip.ts';
import type { Neighbour } from './neighbours.ts';

/** `/etc/hosts` (hosts(5)) of a container. */
export interface HostsRequest {
  hostname: string;
  domainname: string;
  /** The container's own addresses; none with `none` networking. */
  addresses: string[];
  /** `NAME:ADDRESS` or `NAME=ADDRESS`, as `--add-host` gives them; the address may be `host-gateway`. */
  extraHosts: string[];
  /** What `host-gateway` stands for; absent where there is none. */
  hostGateway?: string;
}

const LOOPBACK_LINES: [address: string, names: string][] = [
  ['127.0.0.1', 'localhost'],
  ['::1', 'localhost ip6-localhost ip6-loopback'],
  ['fe00::0', 'ip6-localnet'],
  ['ff00::0', 'ip6-mcastprefix'],
  ['ff02::1', 'ip6-allnodes'],
  ['ff02::2', 'ip6-allrouters'],
];

/** The file of a container with a namespace of its own: loopback, the extra hosts, its own names. */
export function containerHosts(request: HostsRequest): string {
  const { hostname, domainname } = request;
  const names = domainname === '' ? hostname : `${hostname}.${domainname} ${hostname}`;
  const own = request.addresses.map((address): [string, string] => [address, names]);
  return formatLines([...LOOPBACK_LINES, ...extraLines(request), ...own]);
}

/** The file of a container in the host's namespace: the host's own and the extra hosts. */
export function hostNetworkHosts(host: string, request: Pick<HostsRequest, 'extraHosts' | 'hostGateway'>): string {
  const separator = host === '' || host.endsWith('\n') ? '' : '\n';
  return `${host}${separator}${formatLines(extraLines(request))}`;
}

/** Splits `NAME:ADDRESS` at the first colon (the address may have more), or at `=`; `[::1]` loses its brackets. */
export function parseExtraHost(text: string): { name: string; address: string } | undefined {
  const match = /^([^:=]+)[:=](.+)$/.exec(text);
  if (!match) return undefined;
  const address = match[2]!.replace(/^\[(.*)\]$/, '$1');
  return address === 'host-gateway' || parseIp(address) ? { name: match[1]!, address } : undefined;
}

/** Ends the lines that `withNeighbours` writes. */
const MARK = '# wherry: ';

/**
 * The file with these neighbours in place of those it had; every other line stays, also those that somebody wrote in the
 * container.
 */
export function withNeighbours(file: string, neighbours: Neighbour[]): string {
  const kept = file.split('\n').filter((line) => line !== '' && !line.includes(MARK));
  const lines = neighbours.map(({ address, names, network }) => `${address}\t${names.join(' ')}\t${MARK}${network}`);
  return [...kept, ...lines, ''].join('\n');
}

function extraLines({ extraHosts, hostGateway }: Pick<HostsRequest, 'extraHosts' | 'hostGateway'>): [string, string][] {
  const lines: [string, string][] = [];
  for (const extra of extraHosts.map(parseExtraHost)) {
    const address = extra?.address === 'host-gateway' ? hostGateway : extra?.address;
    if (extra && address !== undefined) lines.push([address, extra.name]);
  }
  return lines;
}

function formatLines(lines: [address: string, names: string][]): string {
  return lines.map(([address, names]) => `${address}\t${names}\n`).join('');
}
