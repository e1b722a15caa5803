import { saveImages } from '#api/client/images.ts';
import { defineCommand, print } from '../command.ts';
import { CommandError } from '../errors.ts';
import { flag } from '../flags/types.ts';
import { string, stringSlice } from '../flags/values.ts';
import { checkOutputPath, writeOutputFile } from '../output-file.ts';
import { platformJson } from '../platform.ts';

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  args: { min: 1 },
  flags: {
    output: flag(string, 'Write to this file instead of standard output', { short: 'o' }),
    platform: flag(stringSlice, 'Save only these platforms, such as linux/amd64'),
  },
  async run({ context, values: { output, platform }, args }) {
    if (output === '' && context.stdout.isTTY) {
      throw new CommandError('cowardly refusing to save to a terminal. Use the -o flag or redirect');
    }
    if (output !== '') await checkOutputPath(output);
    const archive = await saveImages(await context.client(), args, { platform: platform.map(platformJson) });
    if (output !== '') await writeOutputFile(output, archive);
    else for await (const piece of archive) await print(context.stdout, piece);
    return 0;
  },
});
