/** The launcher's binary protocol as native/protocol.h defines it: frames, the fields of requests and of replies. */

const VERSION = 1;
const HEADER_SIZE = 12;

/** A frame's payload is at most this many bytes, in both directions. */
export const MAX_PAYLOAD = 1 << 20;

export const Op = {
  mount: 1,
  bind: 2,
  unmount: 3,
  createNetns: 4,
  deleteNetns: 5,
  netlink: 6,
  nft: 7,
  spawn: 8,
  run: 9,
  keep: 10,
  release: 11,
  holdPort: 12,
  held: 13,
  watch: 14,
  ready: 15,
} as const;

export type OpCode = (typeof Op)[keyof typeof Op];

/** Each with its length in front: a u32, text with a NUL (undefined: absent), bytes, or texts in a row. */
export type Field = number | string | Uint8Array | undefined | string[];

function encodeText(text: string): Buffer {
  if (text.includes('\0')) throw new RangeError(`${JSON.stringify(text)} has a NUL character`);
  return Buffer.from(`${text}\0`);
}

function fieldBytes(field: Field): Uint8Array {
  if (field === undefined) return Buffer.alloc(0);
  if (typeof field === 'number') return encodeU32(field);
  if (typeof field === 'string') return encodeText(field);
  return Array.isArray(field) ? Buffer.concat(field.map(encodeText)) : field;
}

function encodeU32(value: number): Buffer {
  const buffer = Buffer.allocUnsafe(4);
  buffer.writeUInt32LE(value);
  return buffer;
}

function encodeField(field: Field): Uint8Array[] {
  const bytes = fieldBytes(field);
  return [encodeU32(bytes.length), bytes];
}

/** The whole frame of a request. Throws a RangeError when its payload would exceed MAX_PAYLOAD or a text has a NUL. */
export function encodeRequest(op: number, id: number, fields: Field[]): Buffer {
  const header = Buffer.allocUnsafe(HEADER_SIZE);
  const frame = Buffer.concat([header, ...fields.flatMap(encodeField)]);
  const length = frame.length - HEADER_SIZE;
  if (length > MAX_PAYLOAD) throw new RangeError(`${length} bytes are more than a request can hold (${MAX_PAYLOAD})`);
  frame.writeUInt16LE(VERSION, 0);
  frame.writeUInt16LE(op, 2);
  frame.writeUInt32LE(id, 4);
  frame.writeUInt32LE(length, 8);
  return frame;
}

export interface Reply {
  id: number;
  /** 0, or the kernel's number of the error, whose name and text (the rest) are then all that `fields` holds. */
  errno: number;
  fields: FieldReader;
}

/** Reads a reply's fields in order; a RangeError means that launcher and engine are not of one release. */
export class FieldReader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  u32(): number {
    this.#at += 4;
    return this.#buffer.readUInt32LE(this.#at - 4);
  }

  bytes(): Buffer {
    const length = this.u32();
    if (length > this.#buffer.length - this.#at) throw new RangeError('a field is longer than its frame');
    this.#at += length;
    return this.#buffer.subarray(this.#at - length, this.#at);
  }

  text(): string {
    return this.bytes().toString();
  }

  rest(): Buffer {
    return this.#buffer.subarray(this.#at);
  }
}

function decodeReply(frame: Buffer): Reply {
  return {
    id: frame.readUInt32LE(4),
    errno: frame.readInt32LE(HEADER_SIZE),
    fields: new FieldReader(frame.subarray(HEADER_SIZE + 4)),
  };
}

/** Cuts a byte stream into replies: feed it chunks as they arrive. Throws a RangeError on what is not our protocol. */
export function createReplyDecoder(): (chunk: Buffer) => Reply[] {
  let pending: Buffer = Buffer.alloc(0);
  return (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    const replies: Reply[] = [];
    while (pending.length >= HEADER_SIZE) {
      const version = pending.readUInt16LE(0);
      const length = pending.readUInt32LE(8);
      if (version !== VERSION || length > MAX_PAYLOAD || length < 4) {
        throw new RangeError(`the launcher sent a frame of version ${version} with ${length} bytes`);
      }
      if (pending.length < HEADER_SIZE + length) break;
      replies.push(decodeReply(pending.subarray(0, HEADER_SIZE + length)));
      pending = pending.subarray(HEADER_SIZE + length);
    }
    return replies;
  };
}
