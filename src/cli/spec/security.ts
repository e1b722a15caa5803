import { readFile } from 'node:fs/promises';
import { CommandError } from '../errors.ts';
import { compactJson } from '../format/json-text.ts';

export interface SecurityOptions {
  options: string[] | null;
  /** null = the daemon's list; [] = none, from `systempaths=unconfined`. */
  maskedPaths: string[] | null;
  readonlyPaths: string[] | null;
}

/**
 * `--security-opt`: a seccomp profile is sent as its content, `systempaths=unconfined` becomes the empty path lists.
 *
 * @throws CommandError for an unknown form, or a profile that cannot be read or is not JSON.
 */
export async function parseSecurityOptions(texts: string[]): Promise<SecurityOptions> {
  const options: string[] = [];
  const unconfined = texts.includes('systempaths=unconfined');
  for (const text of texts) if (text !== 'systempaths=unconfined') options.push(await parseOption(text));
  return {
    options: texts.length > 0 ? options : null,
    maskedPaths: unconfined ? [] : null,
    readonlyPaths: unconfined ? [] : null,
  };
}

async function parseOption(text: string): Promise<string> {
  const separator = text.includes('=') ? '=' : ':';
  const at = text.indexOf(separator);
  if (at < 0 && text !== 'no-new-privileges') throw refuse(`invalid --security-opt: ${JSON.stringify(text)}`);
  const [name, value] = [text.slice(0, at), text.slice(at + 1)];
  if (name !== 'seccomp' || value === 'builtin' || value === 'unconfined') return text;
  return `seccomp=${await readProfile(value)}`;
}

async function readProfile(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw refuse(`opening seccomp profile (${path}) failed: ${(error as Error).message}`, error);
  });
  try {
    return compactJson(text);
  } catch (error) {
    throw refuse(`compacting json for seccomp profile (${path}) failed: ${(error as Error).message}`, error);
  }
}

const refuse = (message: string, cause?: unknown) => new CommandError(message, { exitCode: 125, cause });
