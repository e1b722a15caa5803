import type { Client } from '#api/client/client.ts';
import { createExec, inspectExec, resizeExec, startExec, startExecDetached } from '#api/client/execs.ts';
import type { ExecConfig } from '#api/types/exec.ts';
import { type Context, defineCommand, print } from '../command.ts';
import { CommandError } from '../errors.ts';
import { type FlagValues, flag } from '../flags/types.ts';
import { bool, list, string } from '../flags/values.ts';
import { runSession } from '../session/attach-session.ts';
import { parseDetachKeys } from '../session/detach-keys.ts';
import { envList, readEnvironment } from '../spec/environment.ts';

const flags = {
  detach: flag(bool, 'Leave the command in the background', { short: 'd' }),
  'detach-keys': flag(string, 'Keys that detach from a terminal, such as ctrl-p,ctrl-q'),
  env: flag(envList, 'Set an environment variable', { short: 'e' }),
  'env-file': flag(list, 'Read environment variables from a file'),
  interactive: flag(bool, 'Connect standard input', { short: 'i' }),
  privileged: flag(bool, 'Give the command every capability'),
  tty: flag(bool, 'Give the command a terminal', { short: 't' }),
  user: flag(string, 'Run as this user (NAME|UID[:GROUP|GID])', { short: 'u' }),
  workdir: flag(string, 'Working directory in the container', { short: 'w' }),
};

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER COMMAND [ARG...]',
  args: { min: 2 },
  stopAtArgument: true,
  flags,
  async run({ context, values, args: [container = '', ...argv] }) {
    if (values['detach-keys']) parseDetachKeys(values['detach-keys']);
    const config = await execConfig(context, values, argv);
    if (config.Tty && config.AttachStdin && !context.stdin.isTTY) {
      throw new CommandError('the input device is not a TTY', {
        hint: 'Leave out -t when the input is a file or a pipe.',
      });
    }
    const client = await context.client();
    const exec = await createExec(client, container, config);
    if (!values.detach) return follow(context, client, exec, config);
    await startExecDetached(client, exec, { Detach: true, Tty: config.Tty, ConsoleSize: config.ConsoleSize });
    return 0;
  },
});

async function execConfig(context: Context, values: FlagValues<typeof flags>, argv: string[]): Promise<ExecConfig> {
  const { tty, detach } = values;
  const { rows, columns } = context.stdout;
  return {
    User: values.user,
    Privileged: values.privileged,
    Tty: tty,
    ConsoleSize: tty && rows && columns ? [rows, columns] : null,
    AttachStdin: values.interactive && !detach,
    AttachStdout: !detach,
    AttachStderr: !detach,
    DetachKeys: values['detach-keys'],
    Env: await readEnvironment(values['env-file'], values.env, context.env),
    WorkingDir: values.workdir,
    Cmd: argv,
  };
}

/** Starts it, stays with it to its end, and gives its exit code; 0 when the user leaves it. */
async function follow(context: Context, client: Client, exec: string, config: ExecConfig): Promise<number> {
  const { Tty: tty, AttachStdin: stdin, DetachKeys: detachKeys, ConsoleSize } = config;
  const stream = await startExec(client, exec, { Detach: false, Tty: tty, ConsoleSize });
  const stopFollowing = tty ? await followTerminal(context, client, exec) : () => undefined;
  const end = await runSession(context, stream, { tty, stdin, detachKeys }).finally(stopFollowing);
  if (end === 'detached') {
    await print(context.stderr, 'read escape sequence\n');
    return 0;
  }
  return (await inspectExec(client, exec)).ExitCode ?? 0;
}

async function followTerminal(context: Context, client: Client, exec: string): Promise<() => void> {
  const { followSize } = await import('../session/resize.ts');
  return followSize(context, (size, signal) => resizeExec(client, exec, size, signal));
}
