import type { Duplex } from 'node:stream';
import { connectClient } from '#container/attach.ts';
import type { ConsoleSize, Exec } from '#container/exec.ts';
import { describe } from '#errors/errors.ts';
import { frame, STDOUT } from '#lib/stdcopy.ts';
import type { MonitorStream } from '#runtime/monitor-stream.ts';
import type { Engine } from '../engine.ts';
import { checkCanExec } from './create.ts';
import { publishExecDetach } from './events.ts';
import { startExec } from './start.ts';

export interface SessionOptions {
  /** The stream is raw; else each piece has Docker's header. */
  raw: boolean;
  consoleSize?: ConsoleSize;
}

/**
 * `POST /exec/{id}/start` with the client's connection. Throws what must become a status; then `connect` owns the client
 * until the process has ended or the client has detached. Why it could not be started is text for the client, as dockerd
 * has it.
 */
export async function openExecSession(
  engine: Engine,
  id: string,
  options: SessionOptions,
): Promise<{ connect(client: Duplex): Promise<void> }> {
  const exec = engine.execs.get(id);
  checkCanExec(exec.container);
  return { connect: (client) => runSession(engine, exec, client, options) };
}

async function runSession(engine: Engine, exec: Exec, client: Duplex, { raw, consoleSize }: SessionOptions) {
  let stream: MonitorStream | undefined;
  try {
    stream = await startExec(engine, exec, { consoleSize, framing: raw ? 'raw' : 'docker' });
  } catch (error) {
    const text = Buffer.from(`${describe(error)}\r\n`);
    client.write(raw ? text : frame(STDOUT, text));
    return;
  }
  if (!stream) return;
  const { streams, tty, detachKeys } = exec.record;
  const settings = { ...streams, tty, closeStdin: true, detachKeys };
  if (await connectClient(client, stream, settings)) return publishExecDetach(engine, exec);
  if (!client.destroyed) await exec.ended; // who reads the end of the stream asks for the exit code next
}
