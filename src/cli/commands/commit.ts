import { commitContainer } from '#api/client/container-files.ts';
import { parseReference } from '#lib/reference.ts';
import { defineCommand, printLine } from '../command.ts';
import { UsageError } from '../errors.ts';
import { flag } from '../flags/types.ts';
import { bool, list, string } from '../flags/values.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [REPOSITORY[:TAG]]',
  args: { min: 1, max: 2 },
  flags: {
    author: flag(string, 'Who made the image', { short: 'a' }),
    change: flag(list, 'Apply a Dockerfile instruction to the image, such as CMD ["sh"]', { short: 'c' }),
    message: flag(string, 'Comment of the image', { short: 'm' }),
    'no-pause': flag(bool, 'Let the container go on meanwhile'),
    pause: flag(bool, 'Freeze the container meanwhile', { short: 'p', initial: true, hidden: true }),
  },
  async run({ context, values, given, args: [container = '', reference = ''] }) {
    if (given.has('pause') && given.has('no-pause')) {
      throw new UsageError('conflicting options: --no-pause and --pause cannot be used together');
    }
    const { repo, tag } = reference === '' ? {} : namesOf(reference);
    const id = await commitContainer(await context.client(), {
      container,
      repo,
      tag,
      author: values.author || undefined,
      comment: values.message || undefined,
      changes: values.change,
      pause: values['no-pause'] ? false : values.pause,
    });
    await printLine(context, id);
    return 0;
  },
});

/** Throws in docker's words for what is no name. */
function namesOf(reference: string) {
  parseReference(reference);
  const [, repo, tag] = /^(.*?)(?::([^:/]*))?$/s.exec(reference)!;
  return { repo, tag };
}
