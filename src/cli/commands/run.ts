import type { Client } from '#api/client/client.ts';
import { type ContainerSpec, type PendingExit, startContainer } from '#api/client/containers.ts';
import { describe } from '#errors/errors.ts';
import { type Context, defineCommand, printLine } from '../command.ts';
import { makeContainer } from '../create-container.ts';
import { CommandError } from '../errors.ts';
import { startFailureCode } from '../exit-code.ts';
import { failureText } from '../failure.ts';
import { flag } from '../flags/types.ts';
import { bool, string } from '../flags/values.ts';
import { parseDetachKeys } from '../session/detach-keys.ts';
import { followContainer } from '../session/follow-container.ts';
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
  const start = async (pending: PendingExit) => {
    try {
      await asRun(context, () => startContainer(client, id), startFailureCode);
    } catch (error) {
      // The daemon removes it on its own account; the name is free again only then.
      if (spec.HostConfig.AutoRemove) await pending.exit.catch(() => undefined);
      throw error;
    }
  };
  const end = await followContainer(context, client, {
    container: id,
    tty: spec.Tty,
    streams: { stdin: spec.AttachStdin, stdout: spec.AttachStdout, stderr: spec.AttachStderr },
    until: spec.HostConfig.AutoRemove ? 'removed' : 'next-exit',
    ...options,
    start,
  });
  return end === 'detached' ? 0 : end;
}
