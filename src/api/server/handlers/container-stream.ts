import type { WaitCondition, WaitResponse } from '#api/types/container.ts';
import type { StatsResponse } from '#api/types/stats.ts';
import { describe, invalid, notFound } from '#errors/errors.ts';
import type { Call } from '../call.ts';
import { booleanValue, booleanValueOr, textValue, timeValue } from '../form.ts';
import { streamType } from '../hijack.ts';
import { bytes, hijack, json, jsonLines, later, type Reply, webSocket } from '../reply.ts';
import { downgradeStats } from '../versions/stats.ts';

/** Replies that go on as long as the container does. */

const CONDITIONS = new Set<string>(['not-running', 'next-exit', 'removed'] satisfies WaitCondition[]);

/** Before 1.30 there were no conditions, and the head came with the exit code. */
export async function wait(call: Call): Promise<Reply> {
  const condition = (call.version >= 30 && textValue(call.query, 'condition')) || 'not-running';
  if (!CONDITIONS.has(condition)) throw invalid(`invalid condition: "${condition}"`);
  const { result } = await call.backend.containers.wait(call.name, condition as WaitCondition, call.signal);
  return call.version < 30 ? json(await result) : later(result.catch(waitFailed));
}

function waitFailed(error: unknown): WaitResponse {
  return { StatusCode: -1, Error: { Message: describe(error) } };
}

export async function stats(call: Call): Promise<Reply> {
  const { query, version } = call;
  const stream = booleanValueOr(query, 'stream', true);
  const oneShot = version >= 41 && booleanValue(query, 'one-shot');
  const samples = await call.backend.containers.stats(call.name, { stream, oneShot }, call.signal);
  if (stream) return jsonLines(downgraded(samples, version));
  for await (const sample of samples) return json(downgradeStats(sample, version));
  throw notFound(`No such container: ${call.name}`);
}

async function* downgraded(samples: AsyncIterable<StatsResponse>, version: number) {
  for await (const sample of samples) yield downgradeStats(sample, version);
}

export async function logs(call: Call): Promise<Reply> {
  const { query, version } = call;
  const streams = { stdout: booleanValue(query, 'stdout'), stderr: booleanValue(query, 'stderr') };
  if (!streams.stdout && !streams.stderr) throw invalid('Bad parameters: you must choose at least one stream');
  const { tty, stream } = await call.backend.containers.logs(
    call.name,
    {
      ...streams,
      follow: booleanValue(query, 'follow'),
      since: timeValue(query, 'since'),
      until: timeValue(query, 'until'),
      timestamps: booleanValue(query, 'timestamps'),
      details: booleanValue(query, 'details'),
      tail: tailValue(query.get('tail')),
    },
    call.signal,
  );
  return bytes(streamType(!tty, version), stream, tty ? undefined : systemErrorFrame);
}

/** Anything but a natural number means all lines, as it always did. */
function tailValue(text: string | null): number | 'all' {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : 'all';
}

/** A frame of the fourth stream, which clients print as an error of the engine. */
function systemErrorFrame(error: unknown): Buffer {
  const text = Buffer.from(`Error grabbing logs: ${describe(error)}\n`);
  const head = Buffer.alloc(8);
  head[0] = 3;
  head.writeUInt32BE(text.length, 4);
  return Buffer.concat([head, text]);
}

export async function attach(call: Call): Promise<Reply> {
  const { tty, connect } = await call.backend.containers.attach(call.name, {
    ...attachOptions(call),
    ...attachStreams(call),
    raw: false,
  });
  return hijack(!tty, connect);
}

/** Before 1.42 all streams were attached, and before 1.28 messages were texts; there have never been frames in them. */
export async function attachWebSocket(call: Call): Promise<Reply> {
  const streams = call.version >= 42 ? attachStreams(call) : { stdin: true, stdout: true, stderr: true };
  const { connect } = await call.backend.containers.attach(call.name, {
    ...attachOptions(call),
    ...streams,
    raw: true,
  });
  return webSocket(call.version < 28, connect);
}

function attachOptions({ query }: Call) {
  return {
    stream: booleanValue(query, 'stream'),
    logs: booleanValue(query, 'logs'),
    detachKeys: textValue(query, 'detachKeys'),
  };
}

function attachStreams({ query }: Call) {
  return {
    stdin: booleanValue(query, 'stdin'),
    stdout: booleanValue(query, 'stdout'),
    stderr: booleanValue(query, 'stderr'),
  };
}
