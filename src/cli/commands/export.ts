import { exportContainer } from '#api/client/container-files.ts';
import { defineCommand, print } from '../command.ts';
import { CommandError } from '../errors.ts';
import { flag } from '../flags/types.ts';
import { string } from '../flags/values.ts';
import { checkOutputPath, writeOutputFile } from '../output-file.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER',
  args: { min: 1, max: 1 },
  flags: { output: flag(string, 'Write to this file instead of standard output', { short: 'o' }) },
  async run({ context, values: { output }, args: [container = ''] }) {
    if (output === '' && context.stdout.isTTY) {
      throw new CommandError('cowardly refusing to save to a terminal. Use the -o flag or redirect');
    }
    if (output !== '') await checkOutputPath(output);
    const tar = await exportContainer(await context.client(), container);
    if (output !== '') await writeOutputFile(output, tar);
    else for await (const piece of tar) await print(context.stdout, piece);
    return 0;
  },
});
