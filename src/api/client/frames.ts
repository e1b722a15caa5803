import { invalid } from '#errors/errors.ts';

export interface Frame {
  stream: 'stdout' | 'stderr';
  bytes: Buffer;
}

const headerLength = 8;

interface State {
  header: Buffer;
  /** How much of the header is there. */
  filled: number;
  /** Bytes of the payload still to come; 0 = a header is next. */
  left: number;
  /** The daemon's error, as far as it has come. */
  failure: Buffer[] | undefined;
}

/**
 * Takes apart the multiplexed stream of a container without a TTY: frames of one byte for the stream (0 stdin, 1 stdout,
 * 2 stderr, 3 an error of the daemon), three zero bytes, the payload's length as a big-endian u32, the payload. What comes
 * together for one stream is given together: a log of short lines has a frame for each of them.
 *
 * The pieces of `input` are overwritten.
 *
 * @throws EngineError `invalid` for a stream that is no such thing, and the daemon's own message from stream 3.
 */
export async function* demultiplex(input: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  const state: State = { header: Buffer.alloc(headerLength), filled: 0, left: 0, failure: undefined };
  for await (const piece of input) yield* framesOf(state, piece);
  if (state.left > 0 || state.filled > 0) throw invalid('the output stream ended in the middle of a frame');
}

function* framesOf(state: State, piece: Buffer): Generator<Frame> {
  let position = 0;
  // One run of payloads for one stream, moved together at the place of the first: [start, end).
  let stream: Frame['stream'] = 'stdout';
  let start = 0;
  let end = 0;
  while (position < piece.length) {
    if (state.left === 0) {
      position = readHeader(state, piece, position);
      continue;
    }
    const stop = Math.min(position + state.left, piece.length);
    state.left -= stop - position;
    if (state.failure) {
      addFailure(state, state.failure, piece.subarray(position, stop));
    } else {
      const target = state.header[0] === 2 ? 'stderr' : 'stdout';
      if (target !== stream || end === start) {
        if (end > start) yield { stream, bytes: piece.subarray(start, end) };
        stream = target;
        start = position;
        end = position;
      }
      if (end !== position) piece.copyWithin(end, position, stop);
      end += stop - position;
    }
    position = stop;
  }
  if (end > start) yield { stream, bytes: piece.subarray(start, end) };
}

/** Takes what is there of a header; a whole one opens its frame. Gives the new position. */
function readHeader(state: State, piece: Buffer, position: number): number {
  const stop = Math.min(position + headerLength - state.filled, piece.length);
  piece.copy(state.header, state.filled, position, stop);
  state.filled += stop - position;
  if (state.filled < headerLength) return stop;
  const kind = state.header[0]!;
  if (kind > 3) throw invalid(`the output stream has a frame of unknown kind ${kind}`);
  state.filled = 0;
  state.left = state.header.readUInt32BE(4);
  if (kind === 3) state.failure = [];
  return stop;
}

function addFailure(state: State, failure: Buffer[], bytes: Buffer): void {
  failure.push(Buffer.from(bytes));
  if (state.left === 0) throw invalid(`error from daemon in stream: ${Buffer.concat(failure)}`);
}
