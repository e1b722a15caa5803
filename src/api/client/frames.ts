import { invalid } from '#errors/errors.ts';

export interface Frame {
  stream: 'stdout' | 'stderr';
  bytes: Buffer;
}

const headerLength = 8;

/**
 * Takes apart the multiplexed stream of a container without a TTY: frames of one byte for the stream (0 stdin, 1 stdout,
 * 2 stderr, 3 an error of the daemon), three zero bytes, the payload's length as a big-endian u32, the payload. Payloads
 * are given on as they arrive, so a frame may come out in several parts.
 *
 * @throws EngineError `invalid` for a stream that is no such thing, and the daemon's own message from stream 3.
 */
export async function* demultiplex(input: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  let header: Buffer = Buffer.alloc(0);
  let left = 0;
  let failure: Buffer[] | undefined;
  for await (let piece of input) {
    while (piece.length > 0) {
      if (left === 0) {
        const missing = headerLength - header.length;
        header = Buffer.concat([header, piece.subarray(0, missing)]);
        piece = piece.subarray(missing);
        if (header.length < headerLength) break;
        if (header[0]! > 3) throw invalid(`the output stream has a frame of unknown kind ${header[0]}`);
        left = header.readUInt32BE(4);
        if (header[0] === 3) failure = [];
      }
      const bytes = piece.subarray(0, left);
      piece = piece.subarray(left);
      left -= bytes.length;
      if (failure) failure.push(bytes);
      else if (bytes.length > 0) yield { stream: header[0] === 2 ? 'stderr' : 'stdout', bytes };
      if (left > 0) continue;
      if (failure) throw invalid(`error from daemon in stream: ${Buffer.concat(failure)}`);
      header = Buffer.alloc(0);
    }
  }
  if (left > 0 || header.length > 0) throw invalid('the output stream ended in the middle of a frame');
}
