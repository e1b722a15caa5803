/** Programs through the launcher: started for good, run to their end, or watched. */
import { constants } from 'node:os';
import { basename, dirname } from 'node:path';
import { cancelled, isEngineError, system } from '#errors/errors.ts';
import {
  AF_UNIX,
  AT_EMPTY_PATH,
  AT_FDCWD,
  addCall,
  type Call,
  MAX_OUTPUT,
  mountAttributes,
  none,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  type Register,
  SOCK_CLOEXEC,
  SOCK_STREAM,
} from './launcher-calls.ts';
import type { Ask } from './launcher-connection.ts';
import { enterNetns } from './launcher-netns.ts';
import type { PidExit, RunRequest, RunResult, SpawnRequest } from './launcher-types.ts';

const { EBADF, ENOENT } = constants.errno;
const CLONE_FS = 0x200;
const MOUNT_ATTR_RDONLY = 1;
const SOMAXCONN = 4096;
const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const F_SEAL_GROW = 4;
/** With its NUL (unix(7)). */
const MAX_SOCKET_PATH = 108;
/** What a program can write into each of its streams, in bytes; MAX_OUTPUT of it is given back. */
const RUN_LIMIT = 4 << 20;

export async function spawn(ask: Ask, { argv, cwd, listenSocket, readOnly }: SpawnRequest): Promise<{ pid: number }> {
  const what = `starting ${argv[0]}`;
  const calls: Call[] = [];
  const folder = listenSocket === undefined ? cwd : dirname(listenSocket);
  if (folder !== undefined) {
    addCall(calls, `entering ${folder}`, 'unshare', [CLONE_FS]);
    addCall(calls, `entering ${folder}`, 'chdir', [folder]);
  }
  const listener = listenSocket === undefined ? undefined : addListener(calls, what, basename(listenSocket));
  const stdin = readOnly === undefined ? none : addReadOnly(calls, readOnly);
  const started = addCall(calls, 'starting it', 'spawn', [argv, stdin, none, none, listener?.socket ?? none]);
  if (listener)
    addCall(calls, 'removing the socket', 'unlinkat', [AT_FDCWD, listener.name, 0], { undoes: listener.bound });
  return await ask({ what, calls, decode: (results) => ({ pid: results[started.index]!.value }) });
}

/**
 * A listening unix socket with mode 0600 in the working directory, instead of what is there: with a working directory of
 * the request's own its path may have any length. The file is there once it is bound.
 */
function addListener(calls: Call[], what: string, name: string) {
  const label = `listening on ${name}`;
  const address = Buffer.from(`\x01\0${name}\0`);
  if (address.length > 2 + MAX_SOCKET_PATH) {
    throw system(`${what} failed: ${label}: File name too long`, { code: 'ENAMETOOLONG' });
  }
  addCall(calls, label, 'unlinkat', [AT_FDCWD, name, 0], { fine: [ENOENT] });
  const socket = addCall(calls, label, 'socket', [AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0]);
  addCall(calls, label, 'fchmod', [socket, 0o600]);
  const bound = addCall(calls, label, 'bind', [socket, address]);
  addCall(calls, label, 'listen', [socket, SOMAXCONN]);
  return { name, socket, bound };
}

/** A read-only mount of a file that is nowhere in the file system; none of one that is not there. */
function addReadOnly(calls: Call[], path: string): Register {
  const label = `a read-only mount of ${path}`;
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
  const mount = addCall(calls, label, 'open_tree', [AT_FDCWD, path, flags], { fine: [ENOENT] });
  const attributes = mountAttributes({ set: MOUNT_ATTR_RDONLY });
  addCall(calls, label, 'mount_setattr', [mount, '', AT_EMPTY_PATH, attributes], { fine: [EBADF] });
  return mount;
}

/**
 * stdin, stdout and stderr are files in memory: nobody has to feed or drain them, nor wait for who else has them.
 * `maxOutput`: as much is given back of stdout, in bytes.
 */
export function run(
  ask: Ask,
  { argv, netns, stdin = Buffer.alloc(0), timeoutMs = 0 }: RunRequest,
  { what = `running ${argv[0]}`, maxOutput = MAX_OUTPUT } = {},
): Promise<RunResult> {
  const calls: Call[] = [];
  const label = `starting ${basename(argv[0] ?? '')}`;
  const file = () => addCall(calls, label, 'memfd_create', ['stdio', MFD_CLOEXEC | MFD_ALLOW_SEALING]);
  enterNetns(calls, netns);
  const input = file();
  addCall(calls, label, 'pwrite', [input, stdin, 0]);
  const outputs = [file(), file()] as const;
  for (const output of outputs) {
    addCall(calls, label, 'ftruncate', [output, RUN_LIMIT]);
    addCall(calls, label, 'seal', [output, F_SEAL_GROW]);
  }
  const ended = addCall(calls, label, 'run', [argv, input, ...outputs, none, timeoutMs || -1]);
  const written = (output: Register, offset: number) =>
    addCall(calls, 'its output', 'written', [output, MAX_OUTPUT, offset]);
  const stderr = written(outputs[1], 0);
  const stdout: Register[] = [];
  for (let offset = 0; offset < maxOutput; offset += MAX_OUTPUT) stdout.push(written(outputs[0], offset));
  return ask({
    what,
    calls,
    decode: (results) => ({
      code: null,
      signal: null,
      ...decodeWaitStatus(results[ended.index]!.value),
      stdout: Buffer.concat(stdout.map(({ index }) => results[index]!.output)),
      stderr: results[stderr.index]!.output,
    }),
  });
}

/** The wait can be given up; the launcher's own ends with the process or with this engine. */
export async function watchPid(ask: Ask, pid: number, startTime: string, signal?: AbortSignal): Promise<PidExit> {
  const givenUp = () => cancelled(`watching process ${pid} was given up`, { cause: signal?.reason });
  if (signal?.aborted) throw givenUp();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(givenUp());
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([awaitEnd(ask, pid, startTime), aborted.promise]);
  } catch (error) {
    if (isEngineError(error, 'system') && error.code === 'ESRCH') return {};
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/** Rejects with ESRCH when nobody knows (any more). */
function awaitEnd(ask: Ask, pid: number, startTime: string): Promise<PidExit> {
  const calls: Call[] = [];
  const process = addCall(calls, 'pidfd_open', 'pidfd_open', [pid, 0]);
  const { index } = addCall(calls, 'its end', 'ended', [pid, startTime, process]);
  return ask({ what: `watching process ${pid}`, calls, decode: (results) => decodeWaitStatus(results[index]!.value) });
}

/** As wait(2) has it: the low seven bits are the signal, the next byte the exit code. */
function decodeWaitStatus(status: number): PidExit {
  return (status & 0x7f) === 0 ? { code: (status >> 8) & 0xff } : { signal: status & 0x7f };
}
