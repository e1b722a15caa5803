import { inspectContainer } from '#api/client/containers.ts';
import type { ContainerInspect } from '#api/types/container.ts';
import { defineCommand, print } from '../command.ts';
import { CommandError } from '../errors.ts';
import { flag } from '../flags/types.ts';
import { bool, string } from '../flags/values.ts';
import { followContainer } from '../session/follow-container.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER',
  args: { min: 1, max: 1 },
  flags: {
    'detach-keys': flag(string, 'Keys that detach from a terminal, such as ctrl-p,ctrl-q'),
    'no-stdin': flag(bool, 'Leave standard input alone'),
    'sig-proxy': flag(bool, 'Send signals on to the container', { initial: true }),
  },
  async run({ context, values, args: [name = ''] }) {
    const client = await context.client();
    const container = await inspectContainer(client, name);
    checkState(container);
    const { Tty: tty, OpenStdin } = container.Config;
    const stdin = !values['no-stdin'] && OpenStdin;
    if (tty && stdin && !context.stdin.isTTY) throw new CommandError('the input device is not a TTY');
    const end = await followContainer(context, client, {
      container: container.Id,
      tty,
      streams: { stdin, stdout: true, stderr: true },
      detachKeys: values['detach-keys'],
      signals: values['sig-proxy'] && !tty,
    });
    if (end !== 'detached') return end;
    await print(context.stderr, 'read escape sequence\n');
    return 0;
  },
});

function checkState({ State }: ContainerInspect): void {
  if (!State.Running) throw new CommandError('You cannot attach to a stopped container, start it first');
  if (State.Paused) throw new CommandError('You cannot attach to a paused container, unpause it first');
  if (State.Restarting) throw new CommandError('You cannot attach to a restarting container, wait until it is running');
}
