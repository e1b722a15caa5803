import { readFile } from 'node:fs/promises';
import { errnoCode } from '#errors/errors.ts';
import { CommandError } from '../errors.ts';
import type { ValueType } from '../flags/types.ts';
import { listOf } from '../flags/values.ts';

type Environment = Record<string, string | undefined>;

/** `--env NAME=value`, or `NAME` for the value that this process has. */
export const envList: ValueType<string[]> = listOf('list', (text) => {
  if (text === '' || text.startsWith('=')) throw new Error(`invalid environment variable: ${text}`);
  return text;
});

/** `--label name=value` */
export const labelList: ValueType<string[]> = listOf('list', (text) => {
  if (text === '' || text.startsWith('=')) throw new Error(`invalid label '${text}': empty name`);
  return text;
});

/**
 * The container's environment: the files' lines, then the flags, of which the last of a name counts. A bare name takes the
 * value that this process has; a flag without one stays bare, which takes the variable away.
 */
export async function readEnvironment(files: string[], flags: string[], env: Environment): Promise<string[] | null> {
  const variables: string[] = [];
  for (const file of files) {
    for (const line of await readPairs(file)) {
      if (line.includes('=')) variables.push(line);
      else if (env[line] !== undefined) variables.push(`${line}=${env[line]}`);
    }
  }
  const byName = new Map(flags.map((flag) => [flag.split('=')[0]!, flag]));
  for (const [name, flag] of byName) {
    const value = flag.includes('=') ? undefined : env[name];
    variables.push(value === undefined ? flag : `${name}=${value}`);
  }
  return variables.length > 0 ? variables : null;
}

/** The container's labels: the files' lines, without bare names, then the flags. */
export async function readLabels(files: string[], flags: string[]): Promise<Record<string, string>> {
  const lines: string[] = [];
  for (const file of files) lines.push(...(await readPairs(file)).filter((line) => line.includes('=')));
  return pairsOf([...lines, ...flags]);
}

/** `name=value` texts as a map; a bare name has an empty value. */
export function pairsOf(texts: string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

async function readPairs(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    const reason = errnoCode(error) === 'ENOENT' ? 'no such file or directory' : (errnoCode(error) ?? String(error));
    throw new CommandError(`open ${path}: ${reason}`, { exitCode: 125, cause: error });
  });
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  return lines
    .map((line) => line.trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => check(path, line));
}

function check(path: string, line: string): string {
  const name = line.split('=')[0]!;
  const refuse = (why: string) => new CommandError(`invalid environment file: ${path}: ${why}`, { exitCode: 125 });
  if (name === '') throw refuse(`no variable name on line '${line}'`);
  if (/\s/.test(name)) throw refuse(`variable '${name}' contains whitespaces`);
  return line;
}
