import { loadImages } from '#api/client/images.ts';
import { type Context, defineCommand } from '../command.ts';
import { CommandError } from '../errors.ts';
import { flag } from '../flags/types.ts';
import { bool, string, stringSlice } from '../flags/values.ts';
import { showProgress } from '../format/progress.ts';
import { openInputFile } from '../input-file.ts';
import { platformJson } from '../platform.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: { min: 0, max: 0 },
  flags: {
    input: flag(string, 'Read from this tar archive instead of standard input', { short: 'i' }),
    platform: flag(stringSlice, 'Load only these platforms, such as linux/amd64'),
    quiet: flag(bool, 'Show no progress', { short: 'q' }),
  },
  async run({ context, values }) {
    const archive = values.input === '' ? standardInput(context) : await openInputFile(values.input);
    const quiet = values.quiet || !context.stdout.isTTY;
    const platform = values.platform.map(platformJson);
    const messages = await loadImages(await context.client(), archive, { quiet, platform });
    await showProgress(messages, context.stdout);
    return 0;
  },
});

function standardInput(context: Context): AsyncIterable<Uint8Array> {
  if (context.stdin.isTTY) {
    throw new CommandError('requested load from stdin, but stdin is empty', {
      hint: `Give it an archive: ${context.program} load -i FILE, or ${context.program} load < FILE`,
    });
  }
  return context.stdin;
}
