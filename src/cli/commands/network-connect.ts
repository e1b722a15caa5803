import { connectNetwork } from '#api/client/networks.ts';
import { defineCommand } from '../command.ts';
import { CommandError } from '../errors.ts';
import { flag } from '../flags/types.ts';
import { int, stringSlice } from '../flags/values.ts';
import { links } from '../spec/hosts.ts';
import { address, addressList, endpointSettings } from '../spec/networks.ts';

export const command = defineCommand({
  usage: '[OPTIONS] NETWORK CONTAINER',
  args: { min: 2, max: 2 },
  flags: {
    alias: flag(stringSlice, 'Give the container one more name on the network'),
    'driver-opt': flag(stringSlice, 'Options for the driver of the network: name=value'),
    'gw-priority': flag(int, "The network with the highest priority gives the container's default route"),
    ip: flag(address, 'IPv4 address'),
    ip6: flag(address, 'IPv6 address'),
    link: flag(links, 'Link to another container'),
    'link-local-ip': flag(addressList, 'Link-local address'),
  },
  async run({ context, values, args: [network = '', container = ''] }) {
    const endpoint = endpointSettings({
      target: network,
      aliases: values.alias,
      links: values.link,
      ipv4: values.ip,
      ipv6: values.ip6,
      linkLocal: values['link-local-ip'],
      mac: '',
      driverOptions: driverOptions(values['driver-opt']),
      gatewayPriority: values['gw-priority'],
    });
    await connectNetwork(await context.client(), network, container, endpoint);
    return 0;
  },
});

function driverOptions(texts: string[]): Record<string, string> {
  const entries = texts.map((text) => {
    const [, name, value] = /^([^=]+)=(.*)$/.exec(text) ?? [];
    if (name === undefined) throw new CommandError('invalid key/value pair format in driver options');
    return [name, value!] as const;
  });
  return Object.fromEntries(entries);
}
