import type { ClientSocket, SendableWhole } from '#lib/client-socket.ts';
import { type Program, start } from './run.ts';
import { programFailure, TREE_PROGRAM } from './tree.ts';
import { type FromClient, startFed } from './tree-feed.ts';

/** Trees of the user's own, for the command line: no view, no privileges needed. */

export interface PackHere {
  folder: string;
  /** What of it; `.` = the folder itself. */
  name: string;
  /** What it is called in the tar. */
  as: string;
  /** What it is called in messages. */
  path: string;
}

export interface SendHere {
  client: ClientSocket;
  signal: AbortSignal;
  /** Is told how many bytes of the tar have gone, from time to time and in the end, when the program sends them by itself. */
  sent(bytes: number): void;
}

/**
 * What is here as a tar: sockets are left out, of the extended attributes there are the user's and the capability. Reading or
 * sending it throws `system` with the errno's name as code, `invalid` when a file becomes shorter meanwhile.
 */
export function packHere({ folder, name, as, path }: PackHere, { client, signal, sent }: SendHere): SendableWhole {
  const third = client.descriptor();
  const argv = ['pack-here', folder, name, as, path, ...(third === undefined ? [] : ['client'])];
  const output = outputOf(start(TREE_PROGRAM, argv, { stdout: 'pipe', third, signal }));
  return third === undefined ? { [Symbol.asyncIterator]: tar } : { [Symbol.asyncIterator]: tar, sendAll };

  async function* tar(): AsyncGenerator<Buffer, void, void> {
    let bytes = 0;
    for await (const piece of output) {
      bytes += piece.length;
      sent(bytes);
      yield piece;
    }
  }

  async function sendAll(): Promise<void> {
    let line = '';
    for await (const text of output) {
      const lines = (line + text.toString()).split('\n');
      line = lines.pop()!;
      if (lines.length > 0) sent(Number(lines.at(-1)));
    }
  }
}

/** Read from now on: what a program has printed that has ended, Node throws away if nobody reads. Fails as the program does. */
function outputOf(program: Program): AsyncIterable<Buffer> {
  const pieces = (program.stdout as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  const first = pieces.next();
  first.catch(() => {});
  return { [Symbol.asyncIterator]: output };

  async function* output(): AsyncGenerator<Buffer, void, void> {
    try {
      for (let step = await first; !step.done; step = await pieces.next()) yield step.value;
      await program.done.catch((error) => Promise.reject(programFailure(error)));
    } finally {
      await pieces.return?.();
    }
  }
}

/** A program that is there before it is known what it has to do. */
export interface Unpacker {
  /**
   * Makes the entries that `records` are (archive/tree-records.ts) below `folder`. They belong to the caller; nothing is written
   * through a link, no folder is replaced by what is none, nor the other way round. Throws as Fed does.
   */
  unpack(folder: string, records: AsyncIterable<Buffer | FromClient>): Promise<void>;
  /** Ends it; nothing happens when it has ended. */
  stop(): void;
}

export function startUnpacker(client: ClientSocket): Unpacker {
  const { feed, stop } = startFed(['unpack-here'], { client });
  return { unpack: (folder, records) => feed(withFolder(folder, records)), stop };
}

async function* withFolder(folder: string, records: AsyncIterable<Buffer | FromClient>) {
  const path = Buffer.from(folder);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(path.length);
  yield Buffer.concat([length, path]);
  yield* records;
}
