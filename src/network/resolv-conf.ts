import { parseIp } from '#lib/ip.ts';

/** `/etc/resolv.conf` (resolv.conf(5)), read and made for a container. */
export interface ResolvConf {
  nameservers: string[];
  search: string[];
  options: string[];
}

/** What `--dns`, `--dns-search` and `--dns-option` ask for; an empty list leaves the host's. */
export interface DnsRequest {
  servers: string[];
  search: string[];
  options: string[];
}

/** Servers for a container whose host has none that can be reached from it: Google's, as Docker's containers get. */
const FALLBACK_NAMESERVERS = ['8.8.8.8', '8.8.4.4'];

/** The last `search` or `domain` line counts; options add up. */
export function parseResolvConf(text: string): ResolvConf {
  const found: ResolvConf = { nameservers: [], search: [], options: [] };
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/);
    if (keyword === 'nameserver' && values[0]) found.nameservers.push(values[0]);
    else if (keyword === 'search' || keyword === 'domain') found.search = values;
    else if (keyword === 'options') found.options.push(...values);
  }
  return found;
}

/**
 * The file for a container. In a namespace of its own it cannot reach servers on the host's loopback, nor by IPv6
 * without an IPv6 address: they are left out, and public servers stand in when none is left. With `hostNetwork` all
 * of the host's servers stay. A search list of `.` means none.
 */
export function containerResolvConf(host: string, request: DnsRequest, options: { hostNetwork: boolean }): string {
  const parsed = parseResolvConf(host);
  const reachable = options.hostNetwork ? parsed.nameservers : parsed.nameservers.filter(isReachable);
  const inherited = reachable.length > 0 || options.hostNetwork ? reachable : FALLBACK_NAMESERVERS;
  const search = (request.search.length > 0 ? request.search : parsed.search).filter((domain) => domain !== '.');
  return formatResolvConf({
    nameservers: request.servers.length > 0 ? request.servers : inherited,
    search,
    options: request.options.length > 0 ? request.options : parsed.options,
  });
}

function formatResolvConf({ nameservers, search, options }: ResolvConf): string {
  const lines = nameservers.map((server) => `nameserver ${server}`);
  if (search.length > 0) lines.push(`search ${search.join(' ')}`);
  if (options.length > 0) lines.push(`options ${options.join(' ')}`);
  return `${lines.join('\n')}\n`;
}

function isReachable(server: string): boolean {
  const bytes = parseIp(server);
  return bytes?.length === 4 && bytes[0] !== 127 && bytes.some((byte) => byte !== 0);
}
