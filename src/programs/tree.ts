import { resolve } from 'node:path';
import type { FilesystemChange } from '#api/types/container.ts';
import { type EngineError, invalid, system } from '#errors/errors.ts';
import { ProgramError, start } from './run.ts';

/**
 * Our own program that reads and writes trees of files (native/tree/): what Node has no calls for (extended attributes,
 * device nodes, owners of links) and what must not follow a container's links.
 */
export const TREE_PROGRAM = resolve(import.meta.dirname, '../../native/build/wherry-tree');

/** What runs a program to its end and gives what it printed: the launcher, from which a start does not block Node. */
export interface ProgramRunner {
  run(request: { argv: string[]; stdin?: Buffer }): Promise<{ code: number | null; stdout: Buffer; stderr: Buffer }>;
}

/**
 * What the upper directory of an overlay changes in the tree of `layers` (mounted directories, top first), told as
 * Docker tells it: sorted, a folder before what is in it, of what was deleted only the top. Reads the upper directory and
 * looks up its names in the layers.
 */
export function listChanges(upper: string, layers: readonly string[]): Promise<FilesystemChange[]> {
  return readChanges(['changes', upper, ...layers]);
}

/** What a whole tree changes in the tree `before`, told in the same way. Looks at every name of both. */
export function compareTrees(tree: string, before: string): Promise<FilesystemChange[]> {
  return readChanges(['compare', tree, before]);
}

async function readChanges(command: string[]): Promise<FilesystemChange[]> {
  const program = start(TREE_PROGRAM, command, { stdout: 'pipe' });
  const changes: FilesystemChange[] = [];
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of program.stdout as AsyncIterable<Buffer>) {
    rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let at = 0;
    for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0, at)) {
      const kind = (rest[at]! - 0x30) as FilesystemChange['Kind'];
      changes.push({ Path: rest.toString('utf8', at + 1, end), Kind: kind });
      at = end + 1;
    }
    rest = rest.subarray(at);
  }
  await program.done.catch(rethrow);
  return changes;
}

/**
 * Writes what the upper directory of an overlay holds as a layer's tar into the descriptor `to`: whiteouts and opaque
 * folders in the form that layers have, entries sorted, times in ns, the same bytes every time.
 */
export async function packChanges(upper: string, to: number): Promise<void> {
  await start(TREE_PROGRAM, ['diff', upper], { stdout: to }).done.catch(rethrow);
}

/** Writes what a whole tree changes in the tree `before` in the same way. */
export async function packDifference(tree: string, before: string, to: number): Promise<void> {
  await start(TREE_PROGRAM, ['diff', tree, before], { stdout: to }).done.catch(rethrow);
}

/** Bytes of all files below `folder`, or of those that are not as they are below `before`; hard links count once. */
export async function measureTree(runner: ProgramRunner, folder: string, before?: string): Promise<number> {
  const argv = [TREE_PROGRAM, 'size', folder, ...(before === undefined ? [] : [before])];
  const { code, stdout, stderr } = await runner.run({ argv });
  if (code !== 0) throw treeError(stderr.toString());
  return Number(stdout.toString());
}

/** The error that the program's message stands for: `invalid` for what it refuses, else `system` with the errno's name. */
export function treeError(message: string, cause?: unknown): EngineError {
  const [code = '', ...rest] = message.split(' ');
  const text = rest.join(' ') || 'the program ended without a word';
  return code === 'REFUSED' ? invalid(text, { cause }) : system(text, { code, cause });
}

/** What the program said, instead of how it was started. */
export function programFailure(error: unknown): unknown {
  return error instanceof ProgramError && error.stderr ? treeError(error.stderr, error) : error;
}

function rethrow(error: unknown): never {
  throw programFailure(error);
}
