import { Duplex } from 'node:stream';
import * as wire from './monitor-wire.ts';

/** `docker`: each piece after Docker's 8-byte header; `raw`: as the process wrote it, for terminals. */
export type Framing = 'raw' | 'docker';

export interface AttachOptions {
  stdin?: boolean;
  stdout?: boolean;
  stderr?: boolean;
  framing: Framing;
}

/** Where a stream's bytes go, and who hears that it can take more. */
export interface StreamOwner {
  /** Calls back when there is room for more. */
  write(bytes: Buffer, done: () => void): void;
  /** Closes stdin behind what was written. */
  closeStdin(): void;
  /** Its reader has caught up. */
  drained(stream: MonitorStream): void;
  left(stream: MonitorStream): void;
}

/**
 * An attached client: reads bytes that are ready for the wire, writes plain stdin bytes. `end()` closes the
 * container's stdin (a terminal's stays open); `destroy()` detaches. Reading ends when the process has ended and all
 * its output was read, or when the monitor is gone.
 */
export class MonitorStream extends Duplex {
  readonly options: AttachOptions;
  readonly #owner: StreamOwner;

  constructor(owner: StreamOwner, options: AttachOptions) {
    super({ allowHalfOpen: true });
    this.#owner = owner;
    this.options = options;
  }

  /** Whether it is to get the output of this frame. */
  wants({ type }: wire.Frame): boolean {
    const { stdout = false, stderr = false } = this.options;
    return type === wire.message.stdout ? stdout : stderr;
  }

  override _read(): void {
    this.#owner.drained(this);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.options.stdin) this.#owner.write(chunk, done);
    else done();
  }

  override _final(done: () => void): void {
    if (this.options.stdin) this.#owner.closeStdin();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#owner.left(this);
    done(error);
  }
}
