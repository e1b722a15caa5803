import { BlockList, isIP } from 'node:net';
import type { IPAMConfig } from '#api/types/network.ts';
import { CommandError } from '../errors.ts';

/** What the flags of `network create` say about addresses. */
export interface IpamFlags {
  subnets: string[];
  ranges: string[];
  gateways: string[];
  /** name -> address */
  auxiliary: Record<string, string>;
}

/**
 * One configuration for each subnet, with the range, gateway and auxiliary addresses that lie within it. What the parts
 * mean is the daemon's to judge.
 *
 * @throws CommandError for a part that no subnet, or that more than one of its kind, belongs to.
 */
export function parseIpam({ subnets, ranges, gateways, auxiliary }: IpamFlags): IPAMConfig[] {
  if (subnets.length < ranges.length || subnets.length < gateways.length) {
    throw new CommandError('every ip-range or gateway must have a corresponding subnet');
  }
  const configs = subnets.map((Subnet): IPAMConfig => ({ Subnet }));
  const owner = (kind: string, text: string): IPAMConfig => {
    const found = configs.find(({ Subnet }) => contains(Subnet!, text.split('/')[0]!));
    if (!found) throw new CommandError(`no matching subnet for ${kind} ${text}`);
    return found;
  };
  for (const range of ranges) {
    const config = owner('range', range);
    if (config.IPRange) {
      throw new CommandError(
        `cannot configure multiple ranges (${range}, ${config.IPRange}) on the same subnet (${config.Subnet})`,
      );
    }
    config.IPRange = range;
  }
  for (const gateway of gateways) {
    const config = owner('gateway', gateway);
    if (config.Gateway) {
      throw new CommandError(
        `cannot configure multiple gateways (${gateway}, ${config.Gateway}) for the same subnet (${config.Subnet})`,
      );
    }
    config.Gateway = gateway;
  }
  for (const [name, address] of Object.entries(auxiliary)) {
    const config = owner('aux-address', address);
    config.AuxiliaryAddresses = { ...config.AuxiliaryAddresses, [name]: address };
  }
  return configs;
}

/** Whether an address lies in a subnet; a subnet that is none contains nothing. */
function contains(subnet: string, address: string): boolean {
  const [network = '', prefix = ''] = subnet.split('/');
  const family = isIP(network);
  if (family === 0 || isIP(address) !== family || !/^\d{1,3}$/.test(prefix)) return false;
  if (Number(prefix) > (family === 4 ? 32 : 128)) return false;
  const block = new BlockList();
  block.addSubnet(network, Number(prefix), family === 4 ? 'ipv4' : 'ipv6');
  return block.check(address, family === 4 ? 'ipv4' : 'ipv6');
}
