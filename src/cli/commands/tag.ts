import { tagImage } from '#api/client/images.ts';
import { defineCommand } from '../command.ts';
import { CommandError } from '../errors.ts';
import { parseImageName } from '../reference.ts';

export const command = defineCommand({
  usage: 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]',
  args: { min: 2, max: 2 },
  flags: {},
  async run({ context, args: [source = '', target = ''] }) {
    const { repository, tag, digest } = parseTarget(target);
    if (digest) throw new CommandError('refusing to create a tag with a digest reference');
    await tagImage(await context.client(), source, { repo: repository, tag: tag ?? 'latest' });
    return 0;
  },
});

function parseTarget(target: string) {
  try {
    return parseImageName(target);
  } catch (error) {
    throw new CommandError(
      `Error parsing reference: ${JSON.stringify(target)} is not a valid repository/tag: ${(error as Error).message}`,
    );
  }
}
