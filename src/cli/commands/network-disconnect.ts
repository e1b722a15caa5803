import { disconnectNetwork } from '#api/client/networks.ts';
import { defineCommand } from '../command.ts';
import { flag } from '../flags/types.ts';
import { bool } from '../flags/values.ts';

export const command = defineCommand({
  usage: '[OPTIONS] NETWORK CONTAINER',
  args: { min: 2, max: 2 },
  flags: { force: flag(bool, 'Take the container off the network whatever it does', { short: 'f' }) },
  async run({ context, values: { force }, args: [network = '', container = ''] }) {
    await disconnectNetwork(await context.client(), network, container, force);
    return 0;
  },
});
