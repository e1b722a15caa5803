import type { EndpointSettings } from '#api/types/network.ts';
import { invalid } from '#errors/errors.ts';
import { blockContains, parseIp, parseIpv4, parseIpv4Cidr } from '#lib/ip.ts';
import type { NetworkRecord } from './network-record.ts';

/** Throws `invalid`, in Docker's words, with all that is wrong with what a container asks of a network. */
export function checkEndpoint(record: NetworkRecord, settings: Partial<EndpointSettings>): void {
  const problems = [...scopeProblems(record, settings), ...addressProblems(record, settings)];
  if (problems.length === 0) return;
  const list = problems.length === 1 ? problems[0] : problems.map((problem) => `* ${problem}`).join('\n');
  throw invalid(`invalid endpoint settings:\n${list}`);
}

/** The networks that the engine makes give no choice of address, and their containers do not know each other's names. */
function scopeProblems(
  { request }: NetworkRecord,
  { IPAMConfig: ipam, Aliases: aliases }: Partial<EndpointSettings>,
): string[] {
  if (request) return [];
  const problems: string[] = [];
  if (ipam?.IPv4Address || ipam?.IPv6Address) {
    problems.push('user specified IP address is supported on user defined networks only');
  }
  if (aliases?.length) problems.push('network-scoped alias is supported only for containers in user defined networks');
  return problems;
}

function addressProblems(record: NetworkRecord, { IPAMConfig: ipam }: Partial<EndpointSettings>): string[] {
  const problems: string[] = [];
  for (const address of ipam?.LinkLocalIPs ?? []) {
    if (!parseIp(address)) problems.push(`invalid link-local IP address: ${address}`);
  }
  const asked = [
    [4, 'IPv4', ipam?.IPv4Address],
    [16, 'IPv6', ipam?.IPv6Address],
  ] as const;
  for (const [length, family, address] of asked) {
    if (!address) continue;
    if (parseIp(address)?.length !== length) problems.push(`invalid ${family} address: ${address}`);
    problems.push(...subnetProblems(record, address));
  }
  return problems;
}

function subnetProblems({ request }: NetworkRecord, address: string): string[] {
  const subnets = request?.ipam.Config?.flatMap(({ Subnet }) => (Subnet ? [Subnet] : [])) ?? [];
  if (subnets.length === 0) {
    return ['user specified IP address is supported only when connecting to networks with user configured subnets'];
  }
  const number = parseIpv4(address);
  if (number === undefined || subnets.some((subnet) => blockContains(parseIpv4Cidr(subnet)!.block, number))) return [];
  return [`no configured subnet or ip-range contain the IP address ${address}`];
}
