import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { cancelled, EngineError, errnoCode } from '#errors/errors.ts';

/**
 * The one way to start a program from TypeScript. Starting one blocks the calling thread in proportion to its memory:
 * frequent starts belong into the launcher, these are for occasional helpers (decompressors, key generators).
 */
export interface RunOptions {
  /** What the program reads; default: nothing. */
  stdin?: Uint8Array | string;
  /** Ends the program (SIGKILL) when it fires. */
  signal?: AbortSignal;
  cwd?: string;
  /** The whole environment; default: the PATH and the C locale, so that output does not depend on the user's. */
  env?: Record<string, string>;
  /** Bytes kept of standard output before the run fails; default 16 MiB. */
  maxOutput?: number;
}

/** A program that could not be started, exited with another code than 0, or was ended by a signal. */
export class ProgramError extends EngineError {
  readonly argv: readonly string[];
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last 4 KiB of what it printed to standard error. */
  readonly stderr: string;

  constructor(argv: readonly string[], end: ProgramEnd, cause?: unknown) {
    super('system', explain(argv, end, cause), {
      code: errnoCode(cause) ?? 'PROGRAM_FAILED',
      hint: advise(argv, cause),
      cause,
    });
    this.name = 'ProgramError';
    this.argv = argv;
    this.exitCode = end.exitCode;
    this.signal = end.signal;
    this.stderr = end.stderr;
  }
}

export interface ProgramEnd {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
}

/** A running program with its streams; see `start`. */
export interface Program {
  readonly pid: number | undefined;
  /** Present when `stdin` was `pipe`. */
  readonly stdin: Writable | null;
  /** Present when `stdout` was `pipe`. */
  readonly stdout: Readable | null;
  /** Resolves when the program has ended with exit code 0 and its streams are closed; rejects with ProgramError. */
  readonly done: Promise<void>;
}

export interface StartOptions extends Pick<RunOptions, 'signal' | 'cwd' | 'env'> {
  /** `pipe`, or a descriptor that the program reads itself; default: nothing. */
  stdin?: 'pipe' | 'ignore' | number;
  /** `pipe`, or a descriptor that the program writes itself; default: nowhere. */
  stdout?: 'pipe' | 'ignore' | number;
  /** What the program has as descriptor 3; default: nothing. */
  third?: number | undefined;
}

const stderrTail = 4096;
/** Where programs are looked for: the engine's own PATH, so that an installation can put them anywhere. */
export const searchPath = process.env.PATH || '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const plainEnvironment = { PATH: searchPath, LC_ALL: 'C.UTF-8' };

/** Starts `program` (looked up in PATH) without a shell. Throws nothing itself: a failed start rejects `done`. */
export function start(program: string, args: readonly string[], options: StartOptions = {}): Program {
  const argv = [program, ...args];
  const stdio: StdioOptions = [options.stdin ?? 'ignore', options.stdout ?? 'ignore', 'pipe'];
  if (options.third !== undefined) stdio.push(options.third);
  const child = spawn(program, args, {
    stdio,
    cwd: options.cwd,
    env: options.env ?? plainEnvironment,
    signal: options.signal,
    killSignal: 'SIGKILL',
  });
  const done = ended(child, argv, options.signal);
  // Whoever awaits `done` still sees the error; a caller that reads a stream first must not crash the process.
  done.catch(() => undefined);
  return { pid: child.pid, stdin: child.stdin, stdout: child.stdout, done };
}

/** Runs `program` to its end and gives its standard output. Throws ProgramError, or `cancelled` when aborted. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Buffer> {
  const { stdin, maxOutput = 16 << 20, ...rest } = options;
  const child = start(program, args, { ...rest, stdin: stdin === undefined ? 'ignore' : 'pipe', stdout: 'pipe' });
  // A program may end without reading its input (EPIPE); its exit code tells whether that was right.
  child.stdin?.on('error', () => undefined).end(stdin);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxOutput) {
      throw new EngineError('system', `${program} printed more than ${maxOutput} bytes`, { code: 'OUTPUT_TOO_LONG' });
    }
    chunks.push(chunk);
  }
  await child.done;
  return Buffer.concat(chunks);
}

function ended(child: ChildProcess, argv: readonly string[], abort: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let stderr = Buffer.alloc(0);
  let failure: Error | undefined;
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = Buffer.concat([stderr, chunk]).subarray(-stderrTail);
  });
  child.on('error', (error) => {
    failure ??= error;
  });
  child.on('close', (exitCode, signal) => {
    const end = { exitCode, signal, stderr: stderr.toString('utf8').trim() };
    if (abort?.aborted) reject(cancelled(`${argv[0]} was stopped`, { cause: abort.reason }));
    else if (failure || exitCode !== 0) reject(new ProgramError(argv, end, failure));
    else resolve();
  });
  return promise;
}

function explain(argv: readonly string[], end: ProgramEnd, cause: unknown): string {
  const command = argv.join(' ');
  if (cause !== undefined) return `cannot start \`${command}\`: ${(cause as Error).message}`;
  const how = end.signal ? `was ended by ${end.signal}` : `failed with exit code ${end.exitCode}`;
  return `\`${command}\` ${how}${end.stderr ? `: ${end.stderr}` : ''}`;
}

function advise(argv: readonly string[], cause: unknown): string | undefined {
  return errnoCode(cause) === 'ENOENT' ? `Install the program ${argv[0]} or put it into the PATH.` : undefined;
}
