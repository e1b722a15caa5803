import type { Command } from './command.ts';
import { type CommandEntry, commandTable, groups } from './command-table.ts';
import { CommandError } from './errors.ts';
import { flagHelp } from './flags/help.ts';
import { globalFlags } from './global-flags.ts';

/** The help text of one command. */
export function commandHelp(program: string, entry: CommandEntry, command: Command, width: number): string {
  const parts = [`\nUsage:  ${program} ${entry.names[0]} ${command.usage}`.trimEnd(), entry.summary];
  if (entry.names.length > 1) parts.push(`Aliases:\n  ${entry.names.map((name) => `${program} ${name}`).join(', ')}`);
  if (Object.keys(command.flags).length > 0) parts.push(`Options:\n${flagHelp(command.flags, width).trimEnd()}`);
  return `${parts.join('\n\n')}\n`;
}

/** The commands of a group such as `container`. */
export function groupHelp(program: string, group: string): string {
  const rows = commandTable.flatMap((entry) => {
    const name = entry.names.find((candidate) => candidate.startsWith(`${group} `));
    return name ? [{ name: name.slice(group.length + 1), summary: entry.summary }] : [];
  });
  return (
    `\nUsage:  ${program} ${group} COMMAND\n\n${groups[group]}\n\nCommands:\n${rowsText(rows)}\n` +
    `Run '${program} ${group} COMMAND --help' for more about a command.\n`
  );
}

/** The help text of the program. */
export function programHelp(program: string): string {
  const rows = commandTable
    .filter((entry) => !entry.names[0]!.includes(' '))
    .map((entry) => ({ name: entry.names[0]!, summary: entry.summary }));
  const groupRows = Object.entries(groups).map(([name, summary]) => ({ name, summary }));
  return (
    `\nUsage:  ${program} [OPTIONS] COMMAND\n\nRuns containers. Takes the commands and flags of docker.\n\n` +
    `Commands:\n${rowsText(rows)}\nGroups of commands:\n${rowsText(groupRows)}\n` +
    `Options:\n${flagHelp(globalFlags)}\nRun '${program} COMMAND --help' for more about a command.\n`
  );
}

function rowsText(rows: { name: string; summary: string }[]): string {
  const width = Math.max(...rows.map((row) => row.name.length)) + 2;
  return rows
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((row) => `  ${row.name.padEnd(width)}${row.summary}\n`)
    .join('');
}

/** docker's commands that wherry will have and this release has not. */
const later = new Set(
  (
    'build builder buildx commit compose container cp diff exec export image import network ' +
    'prune stats system volume'
  ).split(' '),
);
const never = new Set('bake checkpoint config node plugin secret service stack swarm'.split(' '));

/** The error for a word that is no command here, which may be one of docker's. */
export function unknownCommand(program: string, name: string): CommandError {
  const word = name.split(' ').at(-1)!;
  const hint = `See '${program} --help'`;
  if (later.has(word)) {
    return new CommandError(`${program}: docker has the command '${name}', this release of ${program} does not yet`, {
      hint,
    });
  }
  if (never.has(word) || never.has(name.split(' ')[0]!)) {
    return new CommandError(`${program}: docker has the command '${name}', ${program} leaves it out`, {
      hint: 'Several machines are the work of Kubernetes, which can drive this engine.',
    });
  }
  return new CommandError(`${program}: '${name}' is not a ${program} command.`, { hint });
}
