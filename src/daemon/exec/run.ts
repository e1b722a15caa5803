import { rm } from 'node:fs/promises';
import type { Container } from '#container/container.ts';
import type { Exec } from '#container/exec.ts';
import type { Engine } from '../engine.ts';
import { createExec } from './create.ts';
import { startExec } from './start.ts';

const SIGKILL = 9;

export interface Ran {
  exitCode: number;
  /** stdout and stderr as they came, from the beginning, `limit` bytes at most. */
  output: Buffer;
}

/**
 * Runs a command in a container to its end, as the container's user, with its environment. Nobody else sees it but by its
 * events. An abort kills the process and rejects with the signal's reason; a start that is refused rejects as
 * `startExec` does.
 */
export async function runInContainer(
  engine: Engine,
  container: Container,
  command: string[],
  { limit, signal }: { limit: number; signal?: AbortSignal },
): Promise<Ran> {
  const exec = await createExec(engine, container, {
    command,
    env: [],
    user: '',
    workingDir: '',
    privileged: false,
    tty: false,
    streams: { stdin: false, stdout: true, stderr: true },
    detachKeys: '',
  });
  const kill = () => void exec.monitor?.kill(SIGKILL).catch(() => {}); // it has ended meanwhile
  try {
    const stream = await startExec(engine, exec, { framing: 'raw' });
    signal?.addEventListener('abort', kill);
    if (signal?.aborted) kill();
    const output = await readStart(stream ?? [], limit);
    const exitCode = await exec.ended;
    signal?.throwIfAborted();
    return { exitCode, output };
  } finally {
    signal?.removeEventListener('abort', kill);
    await forget(engine, exec);
  }
}

/** Reads to the end, so that the process is never held up, and keeps the beginning. */
async function readStart(stream: AsyncIterable<Buffer> | Iterable<Buffer>, limit: number): Promise<Buffer> {
  const kept: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    if (length < limit) kept.push(chunk.subarray(0, limit - length));
    length += chunk.length;
  }
  return Buffer.concat(kept);
}

async function forget(engine: Engine, exec: Exec): Promise<void> {
  engine.execs.forget(exec);
  await rm(engine.paths.exec(exec.container.id, exec.id).folder, { recursive: true, force: true });
}
