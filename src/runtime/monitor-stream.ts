import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { errnoCode } from '#errors/errors.ts';
import { encodeFrame, encodeHeader, encodeResize, maxPayload, request } from './monitor-wire.ts';

/**
 * An attached client: reads bytes that are ready for the wire, writes plain stdin bytes. `end()` closes the
 * container's stdin (a terminal's stays open); `destroy()` detaches. Reading ends when the process has ended and all
 * its output was read, or when the monitor is gone.
 */
export class MonitorStream extends Duplex {
  readonly #socket: Socket;
  readonly #stdin: boolean;

  /** `socket` is paused and past its SUBSCRIBED message; `stdin`: whether it was subscribed to write. */
  constructor(socket: Socket, stdin: boolean) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.#stdin = stdin;
    socket.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) socket.pause();
    });
    socket.on('end', () => socket.destroy());
    socket.on('error', (error) => this.#lost(error));
    socket.on('close', () => this.push(null));
  }

  /** Height and width of the terminal, in characters. */
  resize(rows: number, columns: number): void {
    if (!this.#socket.destroyed) this.#socket.write(encodeResize(rows, columns));
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.cork();
    for (let offset = 0; this.#takesInput() && offset < chunk.length; offset += maxPayload) {
      const part = chunk.subarray(offset, offset + maxPayload);
      this.#socket.write(encodeHeader(request.stdin, part.length));
      this.#socket.write(part);
    }
    this.#whenWritten(Buffer.alloc(0), done);
    this.#socket.uncork();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#whenWritten(encodeFrame(request.stdinEof), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  #takesInput(): boolean {
    return this.#stdin && this.#socket.writable;
  }

  /** Input for a process that has ended is no error: it is dropped. */
  #whenWritten(bytes: Buffer, done: () => void): void {
    if (this.#takesInput()) this.#socket.write(bytes, () => done());
    else done();
  }

  /** A reset or a broken pipe is how the end of a monitor looks when input was still on its way. */
  #lost(error: Error): void {
    const code = errnoCode(error);
    if (code !== 'ECONNRESET' && code !== 'EPIPE') this.destroy(error);
  }
}
