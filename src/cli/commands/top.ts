import { containerTop } from '#api/client/containers.ts';
import { defineCommand, print } from '../command.ts';
import { alignTabs } from '../format/tab-writer.ts';

export const command = defineCommand({
  usage: 'CONTAINER [ps OPTIONS]',
  args: { min: 1 },
  stopAtArgument: true,
  flags: {},
  async run({ context, args }) {
    const [container = '', ...psArguments] = args;
    const { Titles, Processes } = await containerTop(await context.client(), container, psArguments.join(' '));
    const lines = [Titles, ...Processes].map((row) => `${row.join('\t')}\n`);
    await print(context.stdout, alignTabs(lines.join(''), 20));
    return 0;
  },
});
