import { tagImage } from '#api/client/images.ts';
import { describe } from '#errors/errors.ts';
import { DEFAULT_TAG, familiarName, parseReference } from '#lib/reference.ts';
import { defineCommand } from '../command.ts';
import { CommandError } from '../errors.ts';

export const command = defineCommand({
  usage: 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]',
  args: { min: 2, max: 2 },
  flags: {},
  async run({ context, args: [source = '', target = ''] }) {
    const reference = parseTarget(target);
    if (reference.digest) throw new CommandError('refusing to create a tag with a digest reference');
    await tagImage(await context.client(), source, {
      repo: familiarName(reference),
      tag: reference.tag ?? DEFAULT_TAG,
    });
    return 0;
  },
});

function parseTarget(target: string) {
  try {
    return parseReference(target);
  } catch (error) {
    throw new CommandError(
      `Error parsing reference: ${JSON.stringify(target)} is not a valid repository/tag: ${describe(error)}`,
    );
  }
}
