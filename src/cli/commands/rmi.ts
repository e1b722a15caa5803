import { removeImage } from '#api/client/images.ts';
import { isEngineError } from '#errors/errors.ts';
import { defineCommand, print, printLine } from '../command.ts';
import { failureText } from '../failure.ts';
import { flag } from '../flags/types.ts';
import { bool, stringSlice } from '../flags/values.ts';
import { platformJson } from '../platform.ts';

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  args: { min: 1 },
  flags: {
    force: flag(bool, 'Remove it even when stopped containers use it', { short: 'f' }),
    'no-prune': flag(bool, 'Keep its untagged parents'),
    platform: flag(stringSlice, 'Remove only these platforms, such as linux/amd64'),
  },
  async run({ context, values, args }) {
    const client = await context.client();
    const platforms = values.platform.map(platformJson);
    const query = { force: values.force, noprune: values['no-prune'], platforms };
    let exitCode = 0;
    // One after the other: what one removal leaves decides what the next one can remove.
    for (const image of args) {
      try {
        for (const done of (await removeImage(client, image, query)) ?? []) {
          await printLine(context, done.Deleted ? `Deleted: ${done.Deleted}` : `Untagged: ${done.Untagged}`);
        }
      } catch (error) {
        if (!(values.force && isEngineError(error, 'not-found'))) exitCode = 1;
        await print(context.stderr, `${failureText(error, context.program)}\n`);
      }
    }
    return exitCode;
  },
});
