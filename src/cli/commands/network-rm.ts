import { removeNetwork } from '#api/client/networks.ts';
import { isEngineError } from '#errors/errors.ts';
import { defineCommand } from '../command.ts';
import { forEach } from '../each.ts';
import { flag } from '../flags/types.ts';
import { bool } from '../flags/values.ts';

export const command = defineCommand({
  usage: '[OPTIONS] NETWORK [NETWORK...]',
  args: { min: 1 },
  flags: { force: flag(bool, 'Say nothing about networks that are not there', { short: 'f' }) },
  async run({ context, values: { force }, args }) {
    const client = await context.client();
    return forEach(context, args, async (name) => {
      try {
        await removeNetwork(client, name);
        return name;
      } catch (error) {
        if (force && isEngineError(error, 'not-found')) return undefined;
        throw error;
      }
    });
  },
});
