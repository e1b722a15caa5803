import { rm } from 'node:fs/promises';
import type { Container } from '#container/container.ts';
import type { Exec } from '#container/exec.ts';
import { killTree } from '#linux/kill-tree.ts';
import type { Engine } from '../engine.ts';
import { createExec, type ExecRequest } from './create.ts';
import { startExec } from './start.ts';

export interface Ran {
  exitCode: number;
  /** stdout and stderr as they came, from the beginning, `limit` bytes at most. */
  output: Buffer;
}

export interface RunOptions {
  /** Bytes of output that are kept. */
  limit: number;
  /** Ends it early. */
  signal: AbortSignal;
  /** It is to end when the engine is killed. */
  forEngine?: boolean;
}

/**
 * Runs a command in a container to its end, as the container's user, with its environment. Nobody else sees it but by its
 * events. An abort kills what it has started, too; a start that is refused rejects as `startExec` does.
 */
export async function runInContainer(
  engine: Engine,
  container: Container,
  command: string[],
  { limit, signal, forEngine }: RunOptions,
): Promise<Ran> {
  const framing = 'raw';
  const request: ExecRequest = {
    command,
    env: [],
    user: '',
    workingDir: '',
    privileged: false,
    tty: false,
    streams: { stdin: false, stdout: true, stderr: true },
    detachKeys: '',
    ...(forEngine && { forEngine }),
  };
  const exec = await createExec(engine, container, request, framing);
  const kill = () => {
    if (exec.status === 'running' && exec.pid > 0)
      void engine.background.run('ending an exec', () => killTree(exec.pid));
  };
  try {
    const stream = await startExec(engine, exec, { framing });
    signal.addEventListener('abort', kill);
    if (signal.aborted) kill();
    const output = await readStart(stream ?? [], limit);
    return { exitCode: await exec.ended, output };
  } finally {
    signal.removeEventListener('abort', kill);
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
