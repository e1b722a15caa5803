import { system } from '#errors/errors.ts';
import type { ClientSocket, Sendable } from '#lib/client-socket.ts';
import { start } from './run.ts';
import { type ProgramRunner, programFailure, TREE_PROGRAM, treeError } from './tree.ts';
import { type FromClient, startFed } from './tree-feed.ts';

/**
 * What a container sees of the host: its root and, on it, its volumes; nothing of /proc, /sys and /dev. The program sees
 * it in mounts of its own, whatever links there are.
 */
export interface TreeView {
  /** The container runs: everything is taken from this process's mount namespace. `startTime` as in /proc/PID/stat. */
  process?: { pid: number; startTime: string };
  /** The root first. `source` is a path of the host, and counts for a container that does not run. */
  mounts: readonly { source: string; target: string; writable: boolean }[];
}

/** What is at a path. */
export interface PathStat {
  /** As stat(2) has it, type included. */
  mode: number;
  size: number;
  /** ns since 1970. */
  mtime: bigint;
  /** Where a link leads in the end, as a path of the view; empty for what is none. */
  linkTarget: string;
}

/** What is at `path`, a last link not followed. Throws `system` with the errno's name as code (`ENOENT`, `ESRCH`). */
export async function statInView(runner: ProgramRunner, view: TreeView, path: string): Promise<PathStat> {
  const argv = [TREE_PROGRAM, 'stat', ...viewArguments(view), path];
  const { code, stdout, stderr } = await runner.run({ argv });
  if (code !== 0) throw treeError(stderr.toString());
  return parseStat(stdout);
}

export interface PackedPath {
  stat: PathStat;
  /** The tar; it fails when the program does. To be read to its end, sent, or destroyed. */
  tar: Sendable;
}

export interface PackOptions {
  signal: AbortSignal;
  /** Whom the tar is for. */
  client: ClientSocket;
}

/**
 * The tar of what is at `path`, whose entry is called `name`; with an empty name only what is in the folder. Throws as
 * `statInView` does; the view is no longer needed when it resolves.
 */
export async function packView(
  view: TreeView,
  path: string,
  name: string,
  { signal, client }: PackOptions,
): Promise<PackedPath> {
  const third = client.descriptor();
  const argv = ['pack', ...viewArguments(view), path, name];
  const program = start(TREE_PROGRAM, argv, { stdin: 'pipe', stdout: 'pipe', third, signal });
  const input = program.stdin!.on('error', () => {}); // it may have ended; its message says why
  const chunks = (program.stdout as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  let end = -1;
  while (end < 0) {
    const { value, done } = await chunks.next();
    if (done) throw await failureOf(program.done);
    head = Buffer.concat([head, value]);
    end = head.indexOf(0);
  }
  const tar: Sendable = { [Symbol.asyncIterator]: rest };
  if (third !== undefined) tar.sendChunks = send;
  return { stat: parseStat(head), tar };

  async function send(): Promise<void> {
    input.write('1');
    for await (const _ of rest()); // nothing but its end
  }

  async function* rest(): AsyncGenerator<Buffer, void, void> {
    input.end();
    try {
      if (head.length > end + 1) yield head.subarray(end + 1);
      for (let step = await chunks.next(); !step.done; step = await chunks.next()) yield step.value;
      await program.done.catch((error) => Promise.reject(programFailure(error)));
    } finally {
      await chunks.return?.();
    }
  }
}

/** Bytes of records for which the launcher starts the program, from which a start does not block Node. */
const FEW = 64 << 10;

export interface UnpackOptions {
  /** No folder is replaced by what is none, nor the other way round. */
  keepKinds: boolean;
  signal: AbortSignal;
  /** Who sends what `records` are made of. */
  client: ClientSocket;
}

/**
 * Makes the entries that `records` are (archive/tree-records.ts) below the folder `path`, in which links are followed inside the
 * view. Throws `invalid` for what is refused, else as `statInView` does, and what `records` throws.
 */
export async function unpackInView(
  runner: ProgramRunner,
  view: TreeView,
  path: string,
  records: AsyncIterable<Buffer | FromClient>,
  options: UnpackOptions,
): Promise<void> {
  const argv = ['unpack', ...viewArguments(view), path, options.keepKinds ? 'keep' : 'replace'];
  const { few, all } = await gatherFew(records);
  if (!few) return startFed(argv, options).feed(all);
  const { code, stderr } = await runner.run({ argv: [TREE_PROGRAM, ...argv], stdin: few });
  if (code !== 0) throw treeError(stderr.toString());
}

/** The records in one piece, when they are few; else all of them, to be gone on with. */
async function gatherFew(
  records: AsyncIterable<Buffer | FromClient>,
): Promise<{ few?: Buffer; all: AsyncIterable<Buffer | FromClient> }> {
  const iterator = records[Symbol.asyncIterator]();
  const first: (Buffer | FromClient)[] = [];
  let length = 0;
  let step = await iterator.next();
  for (; !step.done; step = await iterator.next()) {
    // a buffer may be used again when the next one is asked for
    first.push(Buffer.isBuffer(step.value) ? Buffer.from(step.value) : step.value);
    length += Buffer.isBuffer(step.value) ? step.value.length : Infinity;
    if (length > FEW) break;
  }
  async function* all() {
    try {
      yield* first.splice(0);
      for (step = await iterator.next(); !step.done; step = await iterator.next()) yield step.value;
    } finally {
      await iterator.return?.();
    }
  }
  return step.done ? { few: Buffer.concat(first as Buffer[]), all: all() } : { all: all() };
}

function viewArguments({ process, mounts }: TreeView): string[] {
  return [
    process ? String(process.pid) : '0',
    process?.startTime ?? '0',
    String(mounts.length),
    ...mounts.flatMap(({ source, target, writable }) => [source, target, writable ? 'rw' : 'ro']),
  ];
}

/** "MODE SIZE SECONDS NANOSECONDS LINK", a NUL after it. */
function parseStat(bytes: Buffer): PathStat {
  const text = bytes.toString('utf8', 0, bytes.indexOf(0));
  const [mode = '', size = '', seconds = '0', nanoseconds = '0', ...link] = text.split(' ');
  const mtime = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
  return { mode: Number(mode), size: Number(size), mtime, linkTarget: link.join(' ') };
}

async function failureOf(done: Promise<void>): Promise<unknown> {
  try {
    await done;
  } catch (error) {
    return programFailure(error);
  }
  return system('the tree program ended without an answer');
}
