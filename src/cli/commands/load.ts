import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { loadImages } from '#api/client/images.ts';
import { errnoCode } from '#errors/errors.ts';
import { type Context, defineCommand } from '../command.ts';
import { CommandError } from '../errors.ts';
import { flag } from '../flags/types.ts';
import { bool, string, stringSlice } from '../flags/values.ts';
import { showProgress } from '../format/progress.ts';
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
    const archive = values.input === '' ? standardInput(context) : await openArchive(values.input);
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

async function openArchive(path: string): Promise<AsyncIterable<Uint8Array>> {
  try {
    const file = await open(path);
    const info = await file.stat();
    if (info.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
    return createReadStream(path, { fd: file, highWaterMark: 1 << 20 });
  } catch (error) {
    const reasons: Record<string, string> = {
      ENOENT: 'no such file or directory',
      EACCES: 'permission denied',
      EISDIR: 'is a directory',
    };
    const code = errnoCode(error) ?? '';
    throw new CommandError(`open ${path}: ${reasons[code] ?? (error as Error).message}`, { cause: error });
  }
}
