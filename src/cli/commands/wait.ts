import { waitContainer } from '#api/client/containers.ts';
import { defineCommand } from '../command.ts';
import { forEach } from '../each.ts';
import { CommandError } from '../errors.ts';

export const command = defineCommand({
  usage: 'CONTAINER [CONTAINER...]',
  args: { min: 1 },
  flags: {},
  async run({ context, args }) {
    const client = await context.client();
    return forEach(context, args, async (name) => {
      const { exit } = await waitContainer(client, name);
      const { StatusCode, Error: failure } = await exit;
      if (failure) throw new CommandError(`Error response from daemon: ${failure.Message}`);
      return String(StatusCode);
    });
  },
});
