import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { getSystemErrorName } from 'node:util';
import { EngineError, errnoCode, system } from '#errors/errors.ts';
import { runtimeText } from './errors.ts';
import type { ExitRecord } from './exit-record.ts';
import { MonitorStream } from './monitor-stream.ts';
import * as wire from './monitor-wire.ts';
import { connectUnix } from './unix-socket.ts';

/** Milliseconds for what a monitor answers at once. */
const replyTimeout = 10_000;

/** The runtime could not start the container or exec. `message` is its own text, see `mapRuntimeError`. */
export class RuntimeStartError extends EngineError {
  readonly report: wire.RuntimeReport;

  constructor(report: wire.RuntimeReport) {
    super('system', runtimeText(report), { code: 'RUNTIME' });
    this.report = report;
  }
}

export interface Started {
  pid: number;
  /** Field 22 of /proc/PID/stat, digits. */
  processStartTime: string;
  /** ns since 1970. */
  startedAt: bigint;
}

/** `docker`: each piece after Docker's 8-byte header; `raw`: as the process wrote it, for terminals. */
export type Framing = keyof typeof wire.framing;

export interface AttachOptions {
  stdin?: boolean;
  stdout?: boolean;
  stderr?: boolean;
  framing: Framing;
  signal?: AbortSignal;
}

interface Pending {
  type: number;
  resolve(payload: Buffer): void;
  reject(error: unknown): void;
}

/**
 * The control connection to a monitor, which may run already. Rejects with `system`, code MONITOR_GONE, when nobody
 * listens at `socketPath`: then the exit record tells how the container ended.
 */
export async function connectMonitor(socketPath: string, options: { signal?: AbortSignal } = {}) {
  const control = await openMonitor(socketPath, options);
  await control.state();
  return control;
}

/** The same without waiting for the monitor: one that has just been started answers when it is up. */
export async function openMonitor(socketPath: string, { signal }: { signal?: AbortSignal } = {}) {
  return new MonitorControl(socketPath, await open(socketPath, signal));
}

/**
 * Subscribes to the streams of a monitor. Once this resolves no byte of output is missed; before a START that is all
 * of it.
 */
export async function attachMonitor(socketPath: string, options: AttachOptions): Promise<MonitorStream> {
  const socket = await open(socketPath, options.signal);
  const streams =
    (options.stdin ? wire.stream.stdin : 0) |
    (options.stdout ? wire.stream.stdout : 0) |
    (options.stderr ? wire.stream.stderr : 0);
  socket.write(wire.encodeSubscribe(streams, wire.framing[options.framing]));
  await readAcknowledgement(socket, socketPath, options.signal);
  return new MonitorStream(socket, options.stdin === true);
}

export class MonitorControl {
  readonly socketPath: string;
  /**
   * How the process ended; whoever has sent the signal that ended it knows first that it was sent. Rejects when the start
   * fails, or the monitor is gone without having said it.
   */
  readonly exited: Promise<ExitRecord>;
  /**
   * The connection's end. `cleaned`: the runtime's resources are gone and the id can be started again; otherwise
   * the monitor was killed and the runtime's `delete` is up to the caller.
   */
  readonly gone: Promise<{ cleaned: boolean }>;
  readonly #socket: Socket;
  readonly #pending: Pending[] = [];
  readonly #started = Promise.withResolvers<Started>();
  readonly #exited = Promise.withResolvers<ExitRecord>();
  readonly #gone = Promise.withResolvers<{ cleaned: boolean }>();
  #cleaned = false;
  #asked = false;

  /** Takes over a fresh connection; see `connectMonitor`. */
  constructor(socketPath: string, socket: Socket) {
    this.socketPath = socketPath;
    this.exited = this.#exited.promise;
    this.gone = this.#gone.promise;
    this.#socket = socket;
    this.#started.promise.catch(() => {});
    this.exited.catch(() => {});
    const parse = wire.frameParser();
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const frame of parse(chunk)) this.#take(frame);
      } catch (error) {
        socket.destroy(error as Error);
      }
    });
    socket.on('error', () => {});
    socket.on('end', () => socket.destroy());
    socket.on('close', () => this.#close());
    socket.resume();
  }

  /**
   * Runs the container. Rejects with a RuntimeStartError when the runtime refuses. Again = the same answer, without asking
   * again: a monitor that is about to end would not read it, and what it has said would be lost. An aborted wait does not
   * stop the runtime; `kill` does.
   */
  async start(options: { signal?: AbortSignal } = {}): Promise<Started> {
    options.signal?.throwIfAborted();
    if (!this.#asked && !this.#socket.destroyed) this.#socket.write(wire.encodeFrame(wire.request.start));
    this.#asked = true;
    return await abortable(this.#started.promise, options.signal);
  }

  async state(): Promise<wire.MonitorState> {
    return wire.decodeState(await this.#ask(wire.encodeFrame(wire.request.query), wire.message.state));
  }

  /** Sends a signal to the process, or to the runtime that is starting it. Rejects with ESRCH when neither runs. */
  async kill(signal: number): Promise<void> {
    await this.#command(wire.encodeSignal(signal), `signal ${signal}`);
  }

  /** Height and width of the terminal in characters, also before the start. Rejects with ENOTTY without one. */
  async resize(rows: number, columns: number): Promise<void> {
    await this.#command(wire.encodeResize(rows, columns), 'resize');
  }

  /** Closes stdin after what is queued; a terminal's stays open. */
  async closeStdin(): Promise<void> {
    await this.#command(wire.encodeFrame(wire.request.stdinEof), 'closing stdin');
  }

  attach(options: AttachOptions): Promise<MonitorStream> {
    return attachMonitor(this.socketPath, options);
  }

  /** Leaves; the container goes on. Before the start, the monitor ends. */
  close(): void {
    this.#socket.destroy();
  }

  async #command(frame: Buffer, what: string): Promise<void> {
    const errno = (await this.#ask(frame, wire.message.reply)).readInt32LE(0);
    if (errno === 0) return;
    const name = getSystemErrorName(-errno);
    throw system(`${what} of the process behind ${this.socketPath} failed: ${name}`, { code: name });
  }

  async #ask(frame: Buffer, type: number): Promise<Buffer> {
    if (this.#socket.destroyed) throw monitorGone(this.socketPath);
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const timer = setTimeout(() => {
      reject(system(`the monitor at ${this.socketPath} did not answer in time`, { code: 'MONITOR_TIMEOUT' }));
      this.#socket.destroy();
    }, replyTimeout);
    this.#pending.push({ type, resolve, reject });
    this.#socket.write(frame);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  #take({ type, payload }: wire.Frame): void {
    if (type === wire.message.state || type === wire.message.reply) {
      if (type === wire.message.state) this.#learn(wire.decodeState(payload));
      const next = this.#pending.shift();
      if (next?.type !== type) throw new RangeError(`message ${type} out of order`);
      next.resolve(payload);
    } else if (type === wire.message.started || type === wire.message.exited) {
      this.#learn(wire.decodeState(payload));
    } else if (type === wire.message.startFailed) {
      this.#fail(new RuntimeStartError(wire.decodeReport(payload)));
    } else if (type === wire.message.cleaned) {
      this.#cleaned = payload.readInt32LE(0) === 0;
    }
  }

  #learn(state: wire.MonitorState): void {
    if (state.pid > 0) this.#started.resolve(state);
    if (state.phase === 'ended' && state.pid > 0) this.#exited.resolve(nextTurn(state));
  }

  #fail(error: unknown): void {
    this.#started.reject(error);
    this.#exited.reject(error);
  }

  #close(): void {
    const error = monitorGone(this.socketPath);
    this.#fail(error);
    for (const pending of this.#pending.splice(0)) pending.reject(error);
    this.#gone.resolve({ cleaned: this.#cleaned });
  }
}

async function open(socketPath: string, signal?: AbortSignal): Promise<Socket> {
  try {
    return await connectUnix(socketPath, signal);
  } catch (error) {
    const code = errnoCode(error);
    if (code === 'ENOENT' || code === 'ECONNREFUSED') throw monitorGone(socketPath, error);
    throw error;
  }
}

function monitorGone(socketPath: string, cause?: unknown): EngineError {
  return system(`the monitor at ${socketPath} is gone`, { code: 'MONITOR_GONE', cause });
}

/** The promise's result, unless the signal comes first. */
async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return await promise;
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Takes exactly the SUBSCRIBED message off the socket, which stays paused. */
function readAcknowledgement(socket: Socket, socketPath: string, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = () => {
      stop();
      socket.destroy();
      reject(signal?.aborted ? signal.reason : monitorGone(socketPath));
    };
    const read = () => {
      const header: Buffer | null = socket.read(wire.headerSize);
      if (header === null) return;
      stop();
      if (header[0] === wire.version && header[1] === wire.message.subscribed) resolve();
      else fail();
    };
    const timer = setTimeout(fail, replyTimeout);
    const stop = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', fail);
      socket.off('readable', read).off('end', fail).off('error', fail).off('close', fail);
    };
    socket.on('readable', read).on('end', fail).on('error', fail).on('close', fail);
    signal?.addEventListener('abort', fail, { once: true });
  });
}
