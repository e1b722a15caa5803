import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { TarEntry } from '#archive/tar-entry.ts';
import { CommandError } from '../errors.ts';
import { toPath } from './paths.ts';

/** Makes a pipe or a device, with the program mknod: Node has no call for it. Throws CommandError when it fails. */
export async function makeSpecialFile(path: string, { type, deviceMajor, deviceMinor }: TarEntry): Promise<void> {
  const kind = type === 'fifo' ? ['p'] : [type === 'block' ? 'b' : 'c', String(deviceMajor), String(deviceMinor)];
  try {
    await promisify(execFile)('mknod', ['--', toPath(path).toString(), ...kind]);
  } catch (cause) {
    const { stderr = '', message } = cause as Error & { stderr?: string };
    throw new CommandError(stderr.trim() || message, { cause });
  }
}
