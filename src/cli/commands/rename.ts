import { renameContainer } from '#api/client/containers.ts';
import { defineCommand } from '../command.ts';
import { CommandError } from '../errors.ts';

export const command = defineCommand({
  usage: 'CONTAINER NEW_NAME',
  args: { min: 2, max: 2 },
  flags: {},
  async run({ context, args }) {
    const [container = '', name = ''] = args.map((word) => word.trim());
    if (container === '' || name === '') throw new CommandError('Error: Neither old nor new names may be empty');
    await renameContainer(await context.client(), container, name);
    return 0;
  },
});
