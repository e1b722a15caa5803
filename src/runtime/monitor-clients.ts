import { MonitorInput } from './monitor-input.ts';
import { type AttachOptions, MonitorStream, type StreamOwner } from './monitor-stream.ts';
import * as wire from './monitor-wire.ts';

/** A client that has as many bytes to read, or more, makes the process wait. */
const LIMIT = 256 << 10;

const { ignored, sent, held } = wire.output;

/** The attached clients of one monitor, which has one connection for all of them. */
export class MonitorClients implements StreamOwner {
  readonly #send: (frame: Buffer) => void;
  readonly #input: MonitorInput;
  readonly #streams = new Set<MonitorStream>();
  readonly #behind = new Set<MonitorStream>();
  /** What the monitor was told to do with output. */
  #output: number = ignored;
  #ended = false;

  constructor(send: (frame: Buffer) => void) {
    this.#send = send;
    this.#input = new MonitorInput(send);
  }

  /** A stream for output of which the monitor hears after this, and for all input. */
  add(options: AttachOptions): MonitorStream {
    const stream = new MonitorStream(this, options);
    if (this.#ended) stream.push(null);
    else this.#streams.add(stream);
    if (options.stdin) this.#tellOfWriter();
    this.#tellOfReaders();
    return stream;
  }

  /** The monitor sent output, which is passed on without a copy. */
  pass(frame: wire.Frame): void {
    const readers = [...this.#streams].filter((stream) => stream.wants(frame));
    // the header of the frame is overwritten
    const framed = readers.some(({ options }) => options.framing === 'docker') ? wire.dockerFrame(frame) : undefined;
    for (const stream of readers) {
      stream.push(stream.options.framing === 'docker' ? framed : frame.payload);
      if (stream.readableLength >= LIMIT) this.#behind.add(stream);
    }
    if (this.#behind.size > 0) this.#tellOfReaders();
  }

  /** The monitor has room for more input. */
  taken(): void {
    this.#input.taken();
  }

  /** All output has come; what clients still write is dropped. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#input.end();
    for (const stream of this.#streams) stream.push(null);
    this.#streams.clear();
    this.#behind.clear();
  }

  write(bytes: Buffer, done: () => void): void {
    this.#input.write(bytes, done);
  }

  closeStdin(): void {
    this.#input.put(wire.encodeFrame(wire.request.stdinEof));
  }

  drained(stream: MonitorStream): void {
    if (this.#behind.delete(stream)) this.#tellOfReaders();
  }

  left(stream: MonitorStream): void {
    if (!this.#streams.delete(stream)) return;
    this.#behind.delete(stream);
    if (stream.options.stdin) {
      this.#input.put(wire.encodeNumber(wire.request.writer, 0));
      if ([...this.#streams].some(({ options }) => options.stdin)) this.#tellOfWriter();
    }
    this.#tellOfReaders();
  }

  #tellOfWriter(): void {
    this.#input.put(wire.encodeNumber(wire.request.writer, 1));
  }

  #tellOfReaders(): void {
    const reads = [...this.#streams].some(({ options }) => options.stdout || options.stderr);
    const output = this.#behind.size > 0 ? held : reads ? sent : ignored;
    if (output === this.#output || this.#ended) return;
    this.#output = output;
    this.#send(wire.encodeNumber(wire.request.output, output));
  }
}
