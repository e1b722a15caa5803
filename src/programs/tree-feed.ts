import type { Readable } from 'node:stream';
import type { ClientSocket, Lent } from '#lib/client-socket.ts';
import { start } from './run.ts';
import { programFailure, TREE_PROGRAM } from './tree.ts';

/** Content that the program reads from the client's socket, see native/tree/protocol.h. */
export interface FromClient {
  record: Buffer;
  lent: Pick<Lent, 'giveBack' | 'lose'>;
  taken(length: number): void;
}

export interface FeedOptions {
  signal?: AbortSignal;
  /** Who sends what the records are made of. */
  client: ClientSocket;
}

/** A program that waits for records (archive/tree-records.ts). */
export interface Fed {
  /**
   * Gives it all of them and resolves when it has ended. Throws `invalid` for what is refused, `system` with the errno's name as
   * code for what fails, and what `records` throws.
   */
  feed(records: AsyncIterable<Buffer | FromClient>): Promise<void>;
  /** Ends it where it is. */
  stop(): void;
}

/** Starts the tree program with `argv`, a command that reads records. */
export function startFed(argv: string[], { signal, client }: FeedOptions): Fed {
  const abort = new AbortController();
  const program = start(TREE_PROGRAM, argv, {
    stdin: 'pipe',
    stdout: 'pipe',
    third: client.descriptor(),
    signal: signal ? AbortSignal.any([signal, abort.signal]) : abort.signal,
  });
  const input = program.stdin!;
  const answers = reader(program.stdout!);
  // When the program refuses something it stops reading (EPIPE), or has ended before; its message says why.
  input.on('error', () => {});
  return { feed, stop: () => abort.abort() };

  async function feed(records: AsyncIterable<Buffer | FromClient>): Promise<void> {
    try {
      for await (const record of records) {
        if (input.destroyed) break;
        if (Buffer.isBuffer(record)) await write(record);
        else if (!(await receive(record))) break;
      }
    } catch (error) {
      abort.abort();
      await program.done.catch(() => undefined);
      throw error;
    }
    input.end();
    await answers(Infinity);
    await program.done.catch((error) => Promise.reject(programFailure(error)));
  }

  async function write(record: Buffer): Promise<void> {
    if (input.write(record) || input.destroyed) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        input.off('drain', done).off('close', done);
        resolve();
      };
      input.once('drain', done).once('close', done);
    });
  }

  /** False when the program ends instead. */
  async function receive({ record, lent, taken }: FromClient): Promise<boolean> {
    await write(record);
    const answer = await answers(24);
    const [length = 0, left, spare = 0] = [0, 8, 16].map((at) => answer && Number(answer.readBigUInt64LE(at)));
    const rest = answer && (await answers(spare));
    if (!rest) {
      lent.lose();
      return false;
    }
    taken(length);
    lent.giveBack(left, rest);
    return true;
  }
}

/** Reads a stream by lengths; gives undefined at its end. */
function reader(stream: Readable): (length: number) => Promise<Buffer | undefined> {
  const chunks = (stream as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  let rest = Buffer.alloc(0);
  return async (length) => {
    while (rest.length < length) {
      const { value, done } = await chunks.next();
      if (done) return undefined;
      rest = Buffer.concat([rest, value]);
    }
    const bytes = rest.subarray(0, length);
    rest = rest.subarray(length);
    return bytes;
  };
}
