import { importImage } from '#api/client/images.ts';
import { parseReference } from '#lib/reference.ts';
import { type Context, defineCommand } from '../command.ts';
import { flag } from '../flags/types.ts';
import { list, string } from '../flags/values.ts';
import { showProgress } from '../format/progress.ts';
import { openInputFile } from '../input-file.ts';

export const command = defineCommand({
  usage: '[OPTIONS] FILE|URL|- [REPOSITORY[:TAG]]',
  args: { min: 1, max: 2 },
  flags: {
    change: flag(list, 'Apply a Dockerfile instruction to the image, such as CMD ["sh"]', { short: 'c' }),
    message: flag(string, 'Comment of the image', { short: 'm' }),
    platform: flag(string, 'The platform that the files are for, such as linux/arm64'),
  },
  async run({ context, values, args: [source = '', reference = ''] }) {
    if (reference !== '') parseReference(reference);
    const { fromSrc, body } = await open(context, source);
    const { change: changes, message, platform } = values;
    const query = { fromSrc, repo: reference, message, changes, platform: platform.toLowerCase() };
    const messages = await importImage(await context.client(), query, body);
    await showProgress(messages, context.stdout);
    return 0;
  },
});

/** What is no file and looks like a URL is the daemon's to fetch. */
async function open(context: Context, source: string) {
  if (source === '-') return { fromSrc: '-', body: context.stdin };
  if (/^https?:\/\//.test(source)) return { fromSrc: source, body: undefined };
  return { fromSrc: '-', body: await openInputFile(source) };
}
