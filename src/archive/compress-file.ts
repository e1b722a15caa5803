import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGzip, createZstdCompress } from 'node:zlib';
import type { Digest } from '#lib/digest.ts';
import { findProgram } from '#programs/find.ts';
import { start } from '#programs/run.ts';

export interface CompressRequest {
  /** The file to compress, and how many bytes of it. */
  path: string;
  size: number;
  /** The file to write, which must not exist. */
  target: string;
  compression: 'gzip' | 'zstd';
  /** Called while it goes on: bytes read, bytes written. */
  onProgress(read: number, written: number): void;
}

export interface CompressedFile {
  digest: Digest;
  /** Bytes. */
  size: number;
}

const PIECE = 1 << 20;
/** Bytes below which starting a program costs more than it saves. */
const SMALL = 1 << 20;
/** ms between two looks at what a program has written. */
const LOOK = 4;

/**
 * Compresses a file and hashes what comes of it, synchronously: for workers. The same bytes always give the same result on
 * one machine: neither names nor times are written. gzip is `igzip`'s where that is installed, which reads and writes the
 * files itself.
 */
export async function compressFile(request: CompressRequest): Promise<CompressedFile> {
  const { compression, size } = request;
  const input = openSync(request.path, 'r');
  try {
    const output = openSync(request.target, 'wx+', 0o400);
    try {
      const byProgram = compression === 'gzip' && size > SMALL && (await findProgram('igzip')) !== undefined;
      return await (byProgram ? throughProgram(request, input, output) : throughZlib(request, input, output));
    } finally {
      closeSync(output);
    }
  } finally {
    closeSync(input);
  }
}

/** `igzip` between the two files; what it has written is hashed behind it. */
async function throughProgram(request: CompressRequest, input: number, output: number): Promise<CompressedFile> {
  const { size, onProgress } = request;
  const isWhole = fstatSync(input).size === size;
  const program = start('igzip', ['-1', '-n', '-c'], { stdin: isWhole ? input : 'pipe', stdout: output });
  if (!isWhole) void feed(input, size, program.stdin!);
  let running = true;
  const ended = program.done.finally(() => (running = false));
  ended.catch(() => {}); // thrown below
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafeSlow(PIECE);
  let written = 0;
  for (;;) {
    const last = !running;
    const count = readSync(output, buffer, 0, PIECE, written);
    if (count > 0) {
      hash.update(buffer.subarray(0, count));
      written += count;
      onProgress(Math.min(size, isWhole ? positionOf(input) : size), written);
    } else if (last) break;
    else await Promise.race([ended.catch(() => {}), sleep(LOOK)]);
    await new Promise(setImmediate);
  }
  await ended;
  return { digest: `sha256:${hash.digest('hex')}`, size: written };
}

/** How far a program has read the file that it shares with us. */
function positionOf(fd: number): number {
  return Number(/^pos:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? 0);
}

async function feed(input: number, size: number, to: NodeJS.WritableStream): Promise<void> {
  to.on('error', () => {}); // the program's exit code says what was wrong
  for (const piece of pieces(input, size)) {
    if (!to.write(Buffer.from(piece))) await new Promise((resolve) => to.once('drain', resolve).once('close', resolve));
  }
  to.end();
}

async function throughZlib(request: CompressRequest, input: number, output: number): Promise<CompressedFile> {
  const { size, compression, onProgress } = request;
  const stream = compression === 'gzip' ? createGzip({ level: 4 }) : createZstdCompress();
  const hash = createHash('sha256');
  let written = 0;
  stream.on('data', (chunk: Buffer) => {
    hash.update(chunk);
    for (let at = 0; at < chunk.length; ) at += writeSync(output, chunk, at);
    written += chunk.length;
  });
  const ended = new Promise((resolve, reject) => stream.on('end', resolve).on('error', reject));
  ended.catch(() => {}); // thrown below
  let read = 0;
  for (const piece of pieces(input, size)) {
    await new Promise<void>((resolve, reject) => stream.write(piece, (error) => (error ? reject(error) : resolve())));
    read += piece.length;
    onProgress(read, written);
  }
  stream.end();
  await ended;
  return { digest: `sha256:${hash.digest('hex')}`, size: written };
}

/** The first `size` bytes of a file; a piece is valid until the next one is asked for. */
function* pieces(fd: number, size: number): Generator<Buffer, void, void> {
  const buffer = Buffer.allocUnsafeSlow(PIECE);
  for (let at = 0; at < size; ) {
    const count = readSync(fd, buffer, 0, Math.min(PIECE, size - at), at);
    if (count === 0) throw new Error(`the file ends after ${at} of ${size} bytes`);
    yield buffer.subarray(0, count);
    at += count;
  }
}
