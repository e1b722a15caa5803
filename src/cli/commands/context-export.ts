import { writeFile } from 'node:fs/promises';
import { errnoCode } from '#errors/errors.ts';
import { defineCommand, print } from '../command.ts';
import { packContext } from '../contexts/archive.ts';
import { wholeContext } from '../contexts/default-context.ts';
import { CommandError } from '../errors.ts';

export const command = defineCommand({
  usage: 'CONTEXT [FILE|-]',
  args: { min: 1, max: 2 },
  flags: {},
  async run({ context, args: [name = '', target = `${name}.dockercontext`] }) {
    const { stored, tls } = await wholeContext(context, name);
    const archive = packContext(stored, tls);
    if (target === '-') {
      if (context.stdout.isTTY) {
        throw new CommandError('cowardly refusing to export to a terminal, specify a file path');
      }
      await print(context.stdout, archive);
      return 0;
    }
    // It may hold a private key, and never replaces a file.
    await writeFile(target, archive, { flag: 'wx', mode: 0o600 }).catch((error: Error) => {
      const why = errnoCode(error) === 'EEXIST' ? 'file exists' : error.message;
      throw new CommandError(`open ${target}: ${why}`, { cause: error });
    });
    await print(context.stderr, `Written file "${target}"\n`);
    return 0;
  },
});
