import { Duplex } from 'node:stream';
import { closeCode, encodeClose, encodeFrame, frameReader, type Incoming, opcode, ProtocolError } from './frames.ts';

/** Milliseconds between two pings; a client that has not answered one by the next is gone. */
const PING_INTERVAL = 30_000;

/**
 * The messages of a WebSocket as a stream of bytes: reads give their payloads, whatever their kind, and each write is a
 * message. `end()` begins the closing handshake. There is no half-close: a client that closes is gone.
 */
export class WebSocketStream extends Duplex {
  readonly #socket: Duplex;
  /** Makes each message valid UTF-8 where messages are texts. */
  readonly #decoder: TextDecoder | undefined;
  readonly #pinging: NodeJS.Timeout;
  #closeSent = false;
  #answered = true;

  constructor(socket: Duplex, { text }: { text: boolean }) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.#decoder = text ? new TextDecoder() : undefined;
    this.#pinging = setInterval(() => this.#ping(), PING_INTERVAL).unref();
    const read = frameReader((incoming) => this.#take(incoming));
    socket.on('data', (chunk: Buffer) => {
      try {
        read(chunk);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        this.#close(closeCode.protocolError);
      }
    });
    for (const event of ['end', 'close', 'error']) socket.once(event, () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const payload = this.#decoder ? Buffer.from(this.#decoder.decode(chunk, { stream: true })) : chunk;
    if (payload.length === 0) done();
    else this.#socket.write(encodeFrame(this.#decoder ? opcode.text : opcode.binary, payload), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#sendClose(closeCode.normal);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearInterval(this.#pinging);
    this.#sendClose(closeCode.normal);
    this.#socket.end(() => this.#socket.destroy());
    done(error);
  }

  #take({ opcode: code, payload }: Incoming): void {
    this.#answered = true;
    if (code === opcode.ping) this.#socket.write(encodeFrame(opcode.pong, payload));
    else if (code === opcode.close) this.#close(payload.length >= 2 ? payload.readUInt16BE(0) : undefined);
    else if (code !== opcode.pong && !this.push(payload)) this.#socket.pause();
  }

  /** Says so, too, if it is not we who began. */
  #close(code: number | undefined): void {
    this.#sendClose(code);
    this.destroy();
  }

  #sendClose(code: number | undefined): void {
    if (!this.#closeSent && this.#socket.writable) this.#socket.write(encodeClose(code));
    this.#closeSent = true;
  }

  #ping(): void {
    // one whose input is not read cannot be heard
    if (!this.#answered && !this.#socket.isPaused()) return void this.#socket.destroy();
    this.#answered = false;
    this.#socket.write(encodeFrame(opcode.ping, Buffer.alloc(0)));
  }
}
