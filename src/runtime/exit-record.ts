import { readFile } from 'node:fs/promises';
import { errnoCode, system } from '#errors/errors.ts';

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

/**
 * Reads what the monitor left at `--exit-file`; undefined when there is nothing: it runs, never ran, or was lost.
 * Throws `system` (code EXIT_RECORD) for a file that is not an exit record.
 */
export async function readExitRecord(path: string): Promise<ExitRecord | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { version, code, signal, oom, pid, startedAt, finishedAt } = JSON.parse(text);
    if (version !== 1 || !Number.isInteger(code)) throw new TypeError(`version ${version}, code ${code}`);
    return { code, signal, oom, pid, startedAt: BigInt(startedAt), finishedAt: BigInt(finishedAt) };
  } catch (cause) {
    throw system(`exit record ${path} cannot be read: ${text.slice(0, 80)}`, {
      code: 'EXIT_RECORD',
      hint: 'Remove the file; the container then counts as lost (exit code 255).',
      cause,
    });
  }
}
