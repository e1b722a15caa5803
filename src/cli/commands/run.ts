import type { Client, Hijacked } from '#api/client/client.ts';
import {
  attachContainer,
  type ContainerSpec,
  type PendingExit,
  startContainer,
  waitContainer,
} from '#api/client/containers.ts';
import { describe } from '#errors/errors.ts';
import { type Context, defineCommand, printLine } from '../command.ts';
import { makeContainer } from '../create-container.ts';
import { CommandError } from '../errors.ts';
import { exitCodeOf, startFailureCode } from '../exit-code.ts';
import { failureText } from '../failure.ts';
import { flag } from '../flags/types.ts';
import { bool, string } from '../flags/values.ts';
import { parseDetachKeys } from '../session/detach-keys.ts';
import { createSpec } from '../spec/create-spec.ts';
import { createFlags } from '../spec/flags.ts';

const flags = {
  ...createFlags,
  detach: flag(bool, 'Leave the container in the background and print its id', { short: 'd' }),
  'detach-keys': flag(string, 'Keys that detach from a terminal, such as ctrl-p,ctrl-q'),
  'sig-proxy': flag(bool, 'Send signals on to the container', { initial: true }),
};

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  args: { min: 1 },
  stopAtArgument: true,
  flags,
  async run({ context, values, given, args: [image = '', ...argv] }) {
    if (values['detach-keys']) parseDetachKeys(values['detach-keys']);
    const spec = await createSpec({ values, given, image, command: argv, env: context.env });
    if (values.detach) detach(spec, values.attach);
    else checkTerminal(context, spec);
    spec.HostConfig.ConsoleSize = [context.stdout.rows ?? 0, context.stdout.columns ?? 0];
    const client = await context.client();
    const id = await asRun(context, () => makeContainer(context, spec, values));
    const options: RunOptions = {
      detachKeys: values['detach-keys'],
      signals: values['sig-proxy'] && !spec.Tty,
    };
    return values.detach ? startDetached(context, client, id) : startAttached(context, client, id, spec, options);
  },
});

interface RunOptions {
  detachKeys: string;
  signals: boolean;
}

function detach(spec: ContainerSpec, attach: string[]): void {
  if (attach.length > 0) {
    throw new CommandError('conflicting options: cannot specify both --attach and --detach', { exitCode: 125 });
  }
  Object.assign(spec, { AttachStdin: false, AttachStdout: false, AttachStderr: false, StdinOnce: false });
}

function checkTerminal(context: Context, spec: ContainerSpec): void {
  if (spec.Tty && spec.AttachStdin && !context.stdin.isTTY) {
    throw new CommandError('the input device is not a TTY', {
      hint: 'Leave out -t when the input is a file or a pipe.',
    });
  }
}

/** Whatever keeps run from starting its container ends with docker's exit code for that. */
async function asRun<T>(
  context: Context,
  step: () => Promise<T>,
  code: (message: string) => number = () => 125,
): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    const text = failureText(cause, context.program);
    const message = text.startsWith(`${context.program}: `) ? text : `${context.program}: ${text}`;
    throw new CommandError(message, { exitCode: code(describe(cause)), cause });
  }
}

async function startDetached(context: Context, client: Client, id: string): Promise<number> {
  await asRun(context, () => startContainer(client, id), startFailureCode);
  await printLine(context, id);
  return 0;
}

async function startAttached(
  context: Context,
  client: Client,
  id: string,
  spec: ContainerSpec,
  options: RunOptions,
): Promise<number> {
  const { runSession } = await import('../session/attach-session.ts');
  const stopSignals = options.signals ? (await import('../session/signals.ts')).forwardSignals(client, id) : undefined;
  const { stream, pending } = await asRun(context, () => openStreams(client, id, spec, options));
  // What the container prints while it starts must be read: it may fill the connection.
  const session =
    stream && runSession(context, stream, { tty: spec.Tty, stdin: spec.AttachStdin, detachKeys: options.detachKeys });
  session?.catch(() => undefined);
  try {
    await asRun(context, () => startContainer(client, id), startFailureCode);
  } catch (error) {
    stream?.close();
    // The daemon removes it on its own account; the name is free again only then.
    if (spec.HostConfig.AutoRemove) await pending.exit.catch(() => undefined);
    throw error;
  }
  const stopResizing = spec.Tty ? (await import('../session/resize.ts')).followSize(context, client, id) : undefined;
  try {
    if (!session) await printLine(context, id);
    else if ((await session) === 'detached') return 0;
    return session ? exitCodeOf(await pending.exit) : 0;
  } finally {
    stopResizing?.();
    stopSignals?.();
  }
}

async function openStreams(
  client: Client,
  id: string,
  spec: ContainerSpec,
  options: RunOptions,
): Promise<{ stream?: Hijacked; pending: PendingExit }> {
  const attached = { stdin: spec.AttachStdin, stdout: spec.AttachStdout, stderr: spec.AttachStderr };
  const query = { ...attached, detachKeys: options.detachKeys || undefined };
  const stream = Object.values(attached).some(Boolean) ? await attachContainer(client, id, query) : undefined;
  const pending = await waitContainer(client, id, spec.HostConfig.AutoRemove ? 'removed' : 'next-exit');
  return { stream, pending };
}
