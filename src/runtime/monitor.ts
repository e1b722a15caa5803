import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { getSystemErrorName } from 'node:util';
import { EngineError, errnoCode, system } from '#errors/errors.ts';
import { runtimeText } from './errors.ts';
import type { ExitRecord } from './exit-record.ts';
import { MonitorClients } from './monitor-clients.ts';
import type { AttachOptions, MonitorStream } from './monitor-stream.ts';
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

interface Pending {
  type: number;
  resolve(payload: Buffer): void;
  reject(error: unknown): void;
}

/**
 * The connection to a monitor, which may run already; it has one at a time. Rejects with `system`, code MONITOR_GONE, when nobody
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
  readonly #clients: MonitorClients;
  readonly #pending: Pending[] = [];
  readonly #started = Promise.withResolvers<Started>();
  readonly #exited = Promise.withResolvers<ExitRecord>();
  readonly #gone = Promise.withResolvers<{ cleaned: boolean }>();
  #cleaned = false;
  /** START was sent, or need not be. */
  #begun = false;

  /** Takes over a fresh connection; see `connectMonitor`. */
  constructor(socketPath: string, socket: Socket) {
    this.socketPath = socketPath;
    this.exited = this.#exited.promise;
    this.gone = this.#gone.promise;
    this.#socket = socket;
    this.#clients = new MonitorClients((frame) => this.#send(frame));
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
    if (!this.#begun) this.#send(wire.encodeFrame(wire.request.start));
    this.#begun = true;
    return await abortable(this.#started.promise, options.signal);
  }

  async state(): Promise<wire.MonitorState> {
    return wire.decodeState(await this.#ask(wire.encodeFrame(wire.request.query), wire.message.state));
  }

  /** Sends a signal to the process, or to the runtime that is starting it. Rejects with ESRCH when neither runs. */
  async kill(signal: number): Promise<void> {
    await this.#command(wire.encodeNumber(wire.request.signal, signal), `signal ${signal}`);
  }

  /** Height and width of the terminal in characters, also before the start. Rejects with ENOTTY without one. */
  async resize(rows: number, columns: number): Promise<void> {
    await this.#command(wire.encodeResize(rows, columns), 'resize');
  }

  /** Closes stdin after what is queued; a terminal's stays open. */
  closeStdin(): void {
    this.#clients.closeStdin();
  }

  /**
   * Attaches a client. Once this resolves no byte of output is missed; before the start that is all of it. Rejects with
   * MONITOR_GONE when the monitor is.
   */
  async attach(options: AttachOptions): Promise<MonitorStream> {
    if (this.#socket.destroyed) throw monitorGone(this.socketPath);
    const stream = this.#clients.add(options);
    if (this.#begun) await this.state().catch(() => {}); // a monitor that answers has heard of the client
    return stream;
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
    this.#send(frame);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  #send(frame: Buffer): void {
    if (!this.#socket.destroyed) this.#socket.write(frame);
  }

  #take(frame: wire.Frame): void {
    const { type, payload } = frame;
    if (type === wire.message.stdout || type === wire.message.stderr) {
      this.#clients.pass(frame);
    } else if (type === wire.message.taken) {
      this.#clients.taken();
    } else if (type === wire.message.state || type === wire.message.reply) {
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
    this.#begun ||= state.phase !== 'waiting';
    if (state.pid > 0) this.#started.resolve(state);
    if (state.phase !== 'ended') return;
    this.#clients.end();
    if (state.pid > 0) this.#exited.resolve(nextTurn(state));
  }

  #fail(error: unknown): void {
    this.#clients.end();
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
