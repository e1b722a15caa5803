import type { Client } from '#api/client/client.ts';
import { inspectContainer, startContainer } from '#api/client/containers.ts';
import { type Context, defineCommand, print, printLine } from '../command.ts';
import { CommandError } from '../errors.ts';
import { failureText } from '../failure.ts';
import { flag } from '../flags/types.ts';
import { bool, string } from '../flags/values.ts';
import { followContainer } from '../session/follow-container.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  args: { min: 1 },
  flags: {
    attach: flag(bool, 'Show what it prints, and send signals on to it', { short: 'a' }),
    checkpoint: flag(string, 'Start from this checkpoint', { hidden: true }),
    'checkpoint-dir': flag(string, 'Folder of the checkpoint', { hidden: true }),
    'detach-keys': flag(string, 'Keys that detach from a terminal, such as ctrl-p,ctrl-q'),
    interactive: flag(bool, 'Connect standard input', { short: 'i' }),
  },
  async run({ context, values, args }) {
    const client = await context.client();
    if (values.checkpoint) throw new CommandError('checkpoints are not part of wherry');
    if (!values.attach && !values.interactive) return startAll(context, client, args);
    const [name = ''] = args;
    if (args.length > 1) throw new CommandError('you cannot start and attach multiple containers at once');
    return startAndAttach(context, client, name, values);
  },
});

async function startAll(context: Context, client: Client, names: string[]): Promise<number> {
  const failed: string[] = [];
  for (const name of names) {
    try {
      await startContainer(client, name);
      await printLine(context, name);
    } catch (error) {
      failed.push(name);
      await print(context.stderr, `${failureText(error, context.program)}\n`);
    }
  }
  if (failed.length > 0) throw new CommandError(`Error: failed to start containers: ${failed.join(', ')}`);
  return 0;
}

interface AttachValues {
  interactive: boolean;
  'detach-keys': string;
}

async function startAndAttach(context: Context, client: Client, name: string, values: AttachValues): Promise<number> {
  const { Id, Config, HostConfig } = await inspectContainer(client, name);
  const end = await followContainer(context, client, {
    container: Id,
    tty: Config.Tty,
    streams: { stdin: values.interactive && Config.OpenStdin, stdout: true, stderr: true },
    detachKeys: values['detach-keys'],
    signals: !Config.Tty,
    until: HostConfig.AutoRemove ? 'removed' : 'next-exit',
    start: () => startContainer(client, Id),
  });
  return end === 'detached' ? 0 : end;
}
