import { familiarName, formatReference, parseReference, withDefaultTag } from '#lib/reference.ts';
import { defineCommand, printLine } from '../command.ts';
import { CommandError } from '../errors.ts';
import { flag } from '../flags/types.ts';
import { bool, string } from '../flags/values.ts';
import { silent } from '../format/progress.ts';
import { pull } from '../pull.ts';

export const command = defineCommand({
  usage: '[OPTIONS] NAME[:TAG|@DIGEST]',
  args: { min: 1, max: 1 },
  flags: {
    'all-tags': flag(bool, 'Pull all tags of the repository', { short: 'a' }),
    'disable-content-trust': flag(bool, 'Accepted for compatibility', { initial: true, hidden: true }),
    platform: flag(string, 'Pull the image for this platform, such as linux/arm64'),
    quiet: flag(bool, 'Print the name only', { short: 'q' }),
  },
  async run({ context, values, args: [image = ''] }) {
    const named = parseReference(image);
    const isOne = named.tag !== undefined || named.digest !== undefined;
    if (values['all-tags'] && isOne) throw new CommandError("tag can't be used with --all-tags/-a");
    const reference = values['all-tags'] ? named : withDefaultTag(named);
    if (!isOne && !values['all-tags'] && !values.quiet) {
      await printLine(context, `Using default tag: ${reference.tag}`);
    }
    const query = {
      fromImage: familiarName(reference),
      tag: reference.digest ?? reference.tag,
      platform: values.platform || undefined,
    };
    const output = values.quiet ? silent(context.stdout) : context.stdout;
    await pull(context, await context.client(), query, output);
    await printLine(context, formatReference(reference));
    return 0;
  },
});
