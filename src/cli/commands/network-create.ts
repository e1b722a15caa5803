import { createNetwork } from '#api/client/networks.ts';
import { defineCommand, printLine } from '../command.ts';
import { flag } from '../flags/types.ts';
import { bool, map, string, stringSlice } from '../flags/values.ts';
import { labelList, pairsOf } from '../spec/environment.ts';
import { parseIpam } from '../spec/ipam.ts';

export const command = defineCommand({
  usage: '[OPTIONS] NETWORK',
  args: { min: 1, max: 1 },
  flags: {
    attachable: flag(bool, 'Let containers be attached by hand'),
    'aux-address': flag(map, 'Addresses that no container gets: name=address'),
    'config-from': flag(string, 'Take the configuration of this network'),
    'config-only': flag(bool, 'Make a network that only lends its configuration'),
    driver: flag(string, 'Driver of the network', { short: 'd', initial: 'bridge' }),
    gateway: flag(stringSlice, 'Address of the gateway in its subnet'),
    ingress: flag(bool, "Make the ingress network of a swarm's services"),
    internal: flag(bool, 'Keep the containers from everything outside the network'),
    'ip-range': flag(stringSlice, 'Give containers addresses of this part of the subnet'),
    'ipam-driver': flag(string, 'Driver of the addresses', { initial: 'default' }),
    'ipam-opt': flag(map, 'Options for the driver of the addresses: name=value'),
    ipv4: flag(bool, 'Give containers IPv4 addresses', { initial: true }),
    ipv6: flag(bool, 'Give containers IPv6 addresses'),
    label: flag(labelList, 'Set a label: name=value'),
    opt: flag(map, 'Options for the driver: name=value', { short: 'o' }),
    scope: flag(string, 'Scope of the network'),
    subnet: flag(stringSlice, 'Subnet in CIDR form, such as 10.1.0.0/24'),
  },
  async run({ context, values, given, args: [name = ''] }) {
    const configs = parseIpam({
      subnets: values.subnet,
      ranges: values['ip-range'],
      gateways: values.gateway,
      auxiliary: values['aux-address'],
    });
    const { Id } = await createNetwork(await context.client(), {
      Name: name,
      Driver: values.driver,
      Scope: values.scope,
      EnableIPv4: given.has('ipv4') ? values.ipv4 : undefined,
      EnableIPv6: given.has('ipv6') ? values.ipv6 : undefined,
      IPAM: { Driver: values['ipam-driver'], Options: values['ipam-opt'], Config: configs },
      Internal: values.internal,
      Attachable: values.attachable,
      Ingress: values.ingress,
      ConfigOnly: values['config-only'],
      ConfigFrom: { Network: values['config-from'] },
      Options: values.opt,
      Labels: pairsOf(values.label),
    });
    await printLine(context, Id);
    return 0;
  },
});
