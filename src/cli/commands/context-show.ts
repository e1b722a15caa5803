import { defineCommand, printLine } from '../command.ts';

export const command = defineCommand({
  usage: '',
  args: { min: 0, max: 0 },
  flags: {},
  async run({ context }) {
    await printLine(context, await context.contextName());
    return 0;
  },
});
