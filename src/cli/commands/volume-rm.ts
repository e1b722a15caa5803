import { removeVolume } from '#api/client/volumes.ts';
import { defineCommand } from '../command.ts';
import { forEach } from '../each.ts';
import { flag } from '../flags/types.ts';
import { bool } from '../flags/values.ts';

export const command = defineCommand({
  usage: '[OPTIONS] VOLUME [VOLUME...]',
  args: { min: 1 },
  flags: { force: flag(bool, 'Say nothing about volumes that are not there', { short: 'f' }) },
  async run({ context, values: { force }, args }) {
    const client = await context.client();
    return forEach(context, args, async (name) => {
      await removeVolume(client, name, force);
      return name;
    });
  },
});
