import { attachContainer, inspectContainer, waitContainer } from '#api/client/containers.ts';
import type { ContainerInspect } from '#api/types/container.ts';
import { defineCommand } from '../command.ts';
import { CommandError } from '../errors.ts';
import { exitCodeOf } from '../exit-code.ts';
import { flag } from '../flags/types.ts';
import { bool, string } from '../flags/values.ts';
import { runSession } from '../session/attach-session.ts';

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
    const detachKeys = values['detach-keys'];
    const { exit } = await waitContainer(client, container.Id);
    const query = { stdin, stdout: true, stderr: true, detachKeys: detachKeys || undefined };
    const stream = await attachContainer(client, container.Id, query);
    const signals = values['sig-proxy'] && !tty;
    const stopSignals = signals
      ? (await import('../session/signals.ts')).forwardSignals(client, container.Id)
      : undefined;
    const stopResizing = tty
      ? (await import('../session/resize.ts')).followSize(context, client, container.Id)
      : undefined;
    try {
      const end = await runSession(context, stream, { tty, stdin, detachKeys });
      return end === 'detached' ? 0 : exitCodeOf(await exit);
    } finally {
      stopResizing?.();
      stopSignals?.();
    }
  },
});

function checkState({ State }: ContainerInspect): void {
  if (!State.Running) throw new CommandError('You cannot attach to a stopped container, start it first');
  if (State.Paused) throw new CommandError('You cannot attach to a paused container, unpause it first');
  if (State.Restarting) throw new CommandError('You cannot attach to a restarting container, wait until it is running');
}
