import { pushImage } from '#api/client/images.ts';
import { DEFAULT_TAG, familiarName, formatReference, parseReference, withDefaultTag } from '#lib/reference.ts';
import { defineCommand, printLine } from '../command.ts';
import { registryAuthFor } from '../config/registry-auth.ts';
import { CommandError } from '../errors.ts';
import { flag } from '../flags/types.ts';
import { bool, string } from '../flags/values.ts';
import { showProgress, silent } from '../format/progress.ts';
import { platformJson } from '../platform.ts';

export const command = defineCommand({
  usage: '[OPTIONS] NAME[:TAG]',
  args: { min: 1, max: 1 },
  flags: {
    'all-tags': flag(bool, 'Push all tags of the repository', { short: 'a' }),
    'disable-content-trust': flag(bool, 'Accepted for compatibility', { initial: true, hidden: true }),
    platform: flag(string, 'Push this platform of the image, such as linux/amd64'),
    quiet: flag(bool, 'Print the name only', { short: 'q' }),
  },
  async run({ context, values, args: [image = ''] }) {
    const named = parseReference(image);
    const all = values['all-tags'];
    if (all && (named.tag ?? named.digest) !== undefined) {
      throw new CommandError("tag can't be used with --all-tags/-a");
    }
    if (named.digest !== undefined) throw new CommandError('cannot push a digest reference');
    const reference = all ? named : withDefaultTag(named);
    if (!all && named.tag === undefined && !values.quiet) {
      await printLine(context, `Using default tag: ${DEFAULT_TAG}`);
    }
    const platform = values.platform ? platformJson(values.platform) : undefined;
    const auth = await registryAuthFor(context, image);
    const query = { tag: reference.tag, platform };
    const messages = await pushImage(await context.client(), familiarName(reference), query, auth);
    await showProgress(messages, values.quiet ? silent(context.stdout) : context.stdout);
    if (values.quiet) await printLine(context, formatReference(reference));
    return 0;
  },
});
