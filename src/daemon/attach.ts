import type { Duplex } from 'node:stream';
import { type AttachSettings, connectClient, type PendingAttachment } from '#container/attach.ts';
import type { Container } from '#container/container.ts';
import { eventAttributes } from '#container/description.ts';
import { parseDetachKeys } from '#container/detach-keys.ts';
import { conflict } from '#errors/errors.ts';
import type { Engine } from './engine.ts';
import { containerLogs } from './logs.ts';
import { refuseRestarting } from './refusals.ts';

export interface AttachOptions {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  stream: boolean;
  logs: boolean;
  /** Bytes as they are, also without a terminal. */
  raw: boolean;
  detachKeys?: string;
}

/**
 * `POST /containers/{id}/attach`. Throws what must become a status; then `connect` owns the client until the session
 * is over. A container that has not been started yet is attached to when it starts, before it can print anything.
 */
export async function attachContainer(
  engine: Engine,
  id: string,
  options: AttachOptions,
): Promise<{ tty: boolean; connect(client: Duplex): Promise<void> }> {
  const container = engine.containers.get(id);
  const { Tty: tty, OpenStdin: openStdin, StdinOnce: closeStdin } = container.record.config;
  refuseRestarting(container);
  if (container.removing) throw conflict(`container ${container.id} is being removed`);
  if (container.state.paused) {
    throw conflict(`container ${container.id} is paused, unpause the container before attach`);
  }
  if (options.detachKeys) parseDetachKeys(options.detachKeys);
  const framing = tty || options.raw ? 'raw' : 'docker';
  const settings: AttachSettings = { ...options, stdin: options.stdin && openStdin, tty, framing, closeStdin };
  const attachment = options.stream ? waitForStart(container, settings) : undefined;
  engine.events.publish('container', 'attach', container.id, eventAttributes(container));
  return { tty, connect: (client) => connect(engine, container, client, options, settings, attachment) };
}

/** Registered at once, so that a start that follows the reply finds it; a running container needs no waiting. */
function waitForStart(container: Container, settings: AttachSettings) {
  if (container.running) return undefined;
  const { promise, resolve } = Promise.withResolvers<Duplex | undefined>();
  const pending: PendingAttachment = { settings, begin: resolve, cancel: () => resolve(undefined) };
  container.pendingAttachments.add(pending);
  return { pending, stream: promise };
}

async function connect(
  engine: Engine,
  container: Container,
  client: Duplex,
  options: AttachOptions,
  settings: AttachSettings,
  waiting: { pending: PendingAttachment; stream: Promise<Duplex | undefined> } | undefined,
): Promise<void> {
  if (options.logs) await replayLogs(engine, container, client, options);
  if (!options.stream) return;
  const giveUp = () => {
    if (waiting && container.pendingAttachments.delete(waiting.pending)) waiting.pending.cancel();
  };
  client.once('close', giveUp);
  const stream = await (waiting ? waiting.stream : attachRunning(container, settings));
  client.off('close', giveUp);
  if (!stream) return;
  if (await connectClient(client, stream, settings)) {
    engine.events.publish('container', 'detach', container.id, eventAttributes(container));
  }
}

async function attachRunning(container: Container, settings: AttachSettings): Promise<Duplex | undefined> {
  const { stdin, stdout, stderr, framing } = settings;
  return await container.monitor?.attach({ stdin, stdout, stderr, framing });
}

async function replayLogs(engine: Engine, container: Container, client: Duplex, options: AttachOptions): Promise<void> {
  const { stdout, stderr, raw } = options;
  const query = { raw, stdout, stderr, follow: false, timestamps: false, details: false, tail: 'all' as const };
  const { stream } = await containerLogs(engine, container.id, query, new AbortController().signal);
  for await (const chunk of stream) {
    if (client.destroyed) return;
    if (!client.write(chunk)) await new Promise((resolve) => client.once('drain', resolve).once('close', resolve));
  }
}

/** `POST /containers/{id}/resize`, in characters; nothing without a terminal. Throws `conflict` for one that does not run. */
export async function resizeContainer(engine: Engine, id: string, height: number, width: number): Promise<void> {
  const container = engine.containers.get(id);
  if (!container.running || !container.monitor) throw conflict(`cannot resize a stopped container: ${container.id}`);
  if (container.record.config.Tty) await container.monitor.resize(height, width);
  const size = { height: String(height), width: String(width) };
  engine.events.publish('container', 'resize', container.id, eventAttributes(container, size));
}
