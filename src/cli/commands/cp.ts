import { defineCommand } from '../command.ts';
import { parseDirection } from '../copy/argument.ts';
import { flag } from '../flags/types.ts';
import { bool } from '../flags/values.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n\twherry cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH',
  args: { min: 2, max: 2 },
  flags: {
    archive: flag(bool, "Give the files in the container to the container's user", { short: 'a' }),
    'follow-link': flag(bool, 'Copy what the last link of the source leads to', { short: 'L' }),
    quiet: flag(bool, 'Say nothing; so it is without a terminal, too', { short: 'q' }),
  },
  async run({ context, values, given, args: [source = '', destination = ''] }) {
    const direction = parseDirection(source, destination);
    const client = await context.client();
    const quiet = given.has('quiet') ? values.quiet : !context.stdout.isTTY;
    const options = { followLink: values['follow-link'], quiet };
    if (direction.way === 'from') {
      const { copyFrom } = await import('../copy/from-container.ts');
      await copyFrom(context, client, direction.source, direction.target, options);
    } else {
      const { copyTo } = await import('../copy/to-container.ts');
      await copyTo(context, client, direction.source, direction.target, { ...options, archive: values.archive });
    }
    return 0;
  },
});
