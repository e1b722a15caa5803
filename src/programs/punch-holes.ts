import { run } from './run.ts';

/** A part of a file, in bytes. */
export interface Hole {
  start: number;
  length: number;
}

/** Gives the room of such parts of a file back to its file system; they read as zeros. Throws ProgramError. */
export async function punchHoles(path: string, holes: readonly Hole[]): Promise<void> {
  for (const { start, length } of holes) {
    await run('fallocate', ['--punch-hole', '--offset', String(start), '--length', String(length), path]);
  }
}
