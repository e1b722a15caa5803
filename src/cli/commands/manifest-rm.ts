import { defineCommand } from '../command.ts';
import { forEach } from '../each.ts';
import { CommandError } from '../errors.ts';
import { readList, removeList } from '../manifests/store.ts';

export const command = defineCommand({
  usage: 'MANIFEST_LIST [MANIFEST_LIST...]',
  args: { min: 1 },
  flags: {},
  async run({ context, args }) {
    return forEach(context, args, async (list) => {
      if (!(await readList(context.configFolder, list))) throw new CommandError(`No such manifest: ${list}`);
      await removeList(context.configFolder, list);
      return undefined;
    });
  },
});
