import type { Writable } from 'node:stream';
import { isEngineError, system } from '#errors/errors.ts';
import { ProgramError, start } from '#programs/run.ts';
import { TREE_PROGRAM, treeError } from '#programs/tree.ts';
import { type DescribeOptions, describeTree } from './describe-tree.ts';
import type { NodeId, NodeStore } from './node-store.ts';

export interface ExtractOptions extends DescribeOptions {
  /** An empty directory. */
  folder: string;
  /** The files that hold the content of regular files. */
  sources: readonly string[];
}

/**
 * Writes a tree that was surveyed out as files; all is on the disk when it resolves. Throws `invalid` for attributes that Linux would
 * refuse, and `system` with the errno's name as code (`ENOSPC`) when a file cannot be made.
 */
export async function extractTree(store: NodeStore, root: NodeId, options: ExtractOptions): Promise<void> {
  const { folder, sources } = options;
  const program = start(TREE_PROGRAM, ['extract', folder, ...sources], { stdin: 'pipe' });
  const described = feed(program.stdin!, describeTree(store, root, options));
  const [description, extraction] = await Promise.allSettled([described, program.done]);
  // A program that ends early says why; one whose description broke off ends for that.
  if (description.status === 'rejected' && isEngineError(description.reason)) throw description.reason;
  if (extraction.status === 'rejected') throw explain(extraction.reason, folder);
}

/** Hands on pieces, each of which is good until the next one. Rejects when they are not taken any more. */
async function feed(to: Writable, pieces: Iterable<Buffer>): Promise<void> {
  to.on('error', () => {}); // whoever writes is told, too
  try {
    for (const piece of pieces) {
      await new Promise<void>((resolve, reject) => to.write(piece, (error) => (error ? reject(error) : resolve())));
    }
  } finally {
    to.end();
  }
}

/** What the program printed: `ENOSPC /usr/bin/vi: writing its content: No space left on device`. */
function explain(failure: unknown, folder: string): Error {
  if (!(failure instanceof ProgramError) || failure.stderr === '') return failure as Error;
  const { code, message } = treeError(failure.stderr);
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return system(`cannot extract a layer to ${folder}: ${full ? 'the disk is full' : message}`, {
    code,
    ...(full && { hint: 'make room on the file system of the data-root' }),
    cause: failure,
  });
}
