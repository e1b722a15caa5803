import { imageGraph, imageGraphDot } from '#api/client/images.ts';
import { defineCommand, print } from '../command.ts';
import { CommandError } from '../errors.ts';
import { flag } from '../flags/types.ts';
import { bool } from '../flags/values.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: { min: 0, max: 0 },
  flags: {
    dot: flag(bool, "Write it in Graphviz's language"),
    'no-trunc': flag(bool, 'Show ids in full'),
    svg: flag(bool, 'Write it as a drawing'),
  },
  async run({ context, values }) {
    if (values.dot && values.svg) throw new CommandError('conflicting options: cannot specify both --dot and --svg');
    const client = await context.client();
    const full = values['no-trunc'];
    if (values.dot) {
      await print(context.stdout, await imageGraphDot(client));
    } else if (values.svg) {
      const { graphSvg } = await import('../graph/svg.ts');
      await print(context.stdout, graphSvg(await imageGraph(client), { full }));
    } else {
      const { graphTree } = await import('../graph/tree.ts');
      await print(context.stdout, graphTree(await imageGraph(client), { full }));
    }
    return 0;
  },
});
