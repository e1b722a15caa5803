import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { errnoCode, system } from '#errors/errors.ts';
import * as wire from './monitor-wire.ts';

/** Exit code of a process whose own is not known, as dockerd's. */
export const LOST_EXIT_CODE = 255;

/** How a container or an exec ended. */
export interface ExitRecord {
  /** 128 + signal for a killed process. */
  code: number;
  /** 0 = it exited by itself. */
  signal: number;
  /** A process of its cgroup was killed for lack of memory. */
  oom: boolean;
  pid: number;
  /** ns since 1970. */
  startedAt: bigint;
  finishedAt: bigint;
}

/** More than a monitor writes. */
const BLANK = ' '.repeat(256);

/**
 * Makes the file for a record that is to come, or takes back what an earlier run has left in it. The blanks are on the disk
 * when it resolves: with their place given, a durable record costs one write of the disk and no change of the file system.
 */
export async function blankExitRecord(path: string): Promise<void> {
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT, 0o600);
  try {
    await file.write(BLANK, 0);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/**
 * Reads what the monitor left at `--exit-file`; undefined when there is nothing: it runs, never ran, or was lost.
 * Throws `system` (code EXIT_RECORD) for a file that is not an exit record.
 */
export async function readExitRecord(path: string): Promise<ExitRecord | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  if (bytes.toString().trim() === '') return undefined;
  if (bytes[0] !== wire.version || bytes[1] !== wire.message.exited || bytes.length < wire.recordSize) {
    throw system(`exit record ${path} cannot be read: ${JSON.stringify(bytes.toString('latin1', 0, 80))}`, {
      code: 'EXIT_RECORD',
      hint: 'Remove the file; the container then counts as lost (exit code 255).',
    });
  }
  const { code, signal, oom, pid, startedAt, finishedAt } = wire.decodeState(bytes.subarray(wire.headerSize));
  return { code, signal, oom, pid, startedAt, finishedAt };
}
