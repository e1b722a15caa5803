import { defineCommand, printLine } from '../command.ts';
import { makeContainer } from '../create-container.ts';
import { createSpec } from '../spec/create-spec.ts';
import { createFlags } from '../spec/flags.ts';

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  args: { min: 1 },
  stopAtArgument: true,
  flags: createFlags,
  async run({ context, values, given, args: [image = '', ...argv] }) {
    const spec = await createSpec({ values, given, image, command: argv, env: context.env });
    await printLine(context, await makeContainer(context, spec, values));
    return 0;
  },
});
