import { type Command, type Context, print } from './command.ts';
import { type CommandEntry, commandTable, groups } from './command-table.ts';
import type { DaemonChoice } from './context.ts';
import { CommandError, UsageError } from './errors.ts';
import { HelpRequest, parseFlags } from './flags/parse.ts';
import { globalFlags } from './global-flags.ts';

/**
 * Carries out a command line and gives the exit code: 0, the command's own, 125 for a wrong flag (as docker does), 1 for
 * everything else that fails.
 */
export async function runCommandLine(argv: string[], contextFor: (choice: DaemonChoice) => Context): Promise<number> {
  let context = contextFor({});
  let called: CommandEntry | undefined;
  try {
    const { values, given, args } = parseFlags(globalFlags, argv, { stopAtArgument: true });
    const choice: DaemonChoice = {
      config: values.config || undefined,
      context: values.context || undefined,
      host: values.host.at(-1),
      tls: values.tls,
      tlsVerify: given.has('tlsverify') ? values.tlsverify : undefined,
      tlsCaCert: values.tlscacert || undefined,
      tlsCert: values.tlscert || undefined,
      tlsKey: values.tlskey || undefined,
    };
    context = contextFor(choice);
    if (values.version) return await runCommandLine(['version'], () => context);
    const found = findCommand(args);
    if (!found) return await noCommand(context, args);
    called = found.entry;
    return await execute(context, found.entry, found.rest);
  } catch (error) {
    if (error instanceof HelpRequest) return printHelp(context, called, argv);
    return reportFailure(context, called, error);
  }
}

function findCommand(args: string[]): { entry: CommandEntry; rest: string[] } | undefined {
  for (const words of [2, 1]) {
    const name = args.slice(0, words).join(' ');
    const entry = commandTable.find((candidate) => candidate.names.includes(name));
    if (entry) return { entry, rest: args.slice(words) };
  }
  return undefined;
}

async function execute(context: Context, entry: CommandEntry, argv: string[]): Promise<number> {
  const { command } = await entry.load();
  const parsed = parseFlags(command.flags, argv, { stopAtArgument: command.stopAtArgument });
  checkArguments(context, entry, command, parsed.args.length);
  return (await command.run({ ...parsed, context })) ?? 0;
}

function checkArguments(context: Context, entry: CommandEntry, command: Command, count: number): void {
  const { min, max = Number.POSITIVE_INFINITY } = command.args;
  if (count >= min && count <= max) return;
  const bound = min === max ? 'exactly' : count < min ? 'at least' : 'at most';
  const limit = count < min ? min : max;
  const takes = max === 0 ? 'accepts no arguments' : `requires ${bound} ${limit} argument${limit === 1 ? '' : 's'}`;
  const name = `${context.program} ${entry.names[0]}`;
  throw new CommandError(`"${name}" ${takes}.\n\nUsage:  ${name} ${command.usage}\n\n${entry.summary}`);
}

async function noCommand(context: Context, args: string[]): Promise<number> {
  const help = await import('./help.ts');
  const [first, second] = args;
  const group = first !== undefined && first in groups ? first : undefined;
  if (first === undefined || (group && (second === undefined || second === '--help'))) {
    await print(context.stdout, group ? help.groupHelp(context.program, group) : help.programHelp(context.program));
    return 0;
  }
  if (first === 'help') return runCommandLine([...args.slice(1), '--help'], () => context);
  throw help.unknownCommand(context.program, group ? `${first} ${second}` : first);
}

async function printHelp(context: Context, entry: CommandEntry | undefined, argv: string[]): Promise<number> {
  const help = await import('./help.ts');
  const width = context.stdout.columns ?? 80;
  const group = argv.find((word) => word in groups);
  const text = entry
    ? help.commandHelp(context.program, entry, (await entry.load()).command, width)
    : group
      ? help.groupHelp(context.program, group)
      : help.programHelp(context.program);
  await print(context.stdout, text);
  return 0;
}

async function reportFailure(context: Context, entry: CommandEntry | undefined, error: unknown): Promise<number> {
  const { failureText } = await import('./failure.ts');
  const exitCode = error instanceof CommandError ? error.exitCode : 1;
  const usage =
    error instanceof UsageError ? `See '${context.program}${entry ? ` ${entry.names[0]}` : ''} --help'.` : '';
  const text = failureText(error, context.program);
  await print(context.stderr, `${[text, usage].filter((line) => line !== '').join('\n')}\n`);
  return exitCode;
}
