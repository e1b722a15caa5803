import { pauseContainer } from '#api/client/containers.ts';
import { defineCommand } from '../command.ts';
import { forEach } from '../each.ts';

export const command = defineCommand({
  usage: 'CONTAINER [CONTAINER...]',
  args: { min: 1 },
  flags: {},
  async run({ context, args }) {
    const client = await context.client();
    return forEach(context, args, async (name) => {
      await pauseContainer(client, name);
      return name;
    });
  },
});
