/** The frames of the WebSocket protocol as a server sends and reads them. Source: RFC 6455, section 5. */

export const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Codes of a Close frame (section 7.4.1). */
export const closeCode = { normal: 1000, protocolError: 1002 } as const;

/** A client that does not keep to the protocol. */
export class ProtocolError extends Error {}

/** A piece of a message, or a whole control frame. */
export interface Incoming {
  opcode: number;
  payload: Buffer;
}

/** The most that a control frame carries. */
const CONTROL_LIMIT = 125;
const MASK_SIZE = 4;

/** A whole message or control frame; a server's are not masked. */
export function encodeFrame(code: number, payload: Buffer): Buffer {
  const { length } = payload;
  const extended = length <= CONTROL_LIMIT ? 0 : length <= 0xffff ? 2 : 8;
  const head = Buffer.alloc(2 + extended);
  head[0] = 0x80 | code;
  head[1] = extended === 0 ? length : extended === 2 ? 126 : 127;
  if (extended === 2) head.writeUInt16BE(length, 2);
  if (extended === 8) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
}

/** A Close frame, with its code when there is one to say. */
export function encodeClose(code?: number): Buffer {
  const payload = Buffer.alloc(code === undefined ? 0 : 2);
  if (code !== undefined) payload.writeUInt16BE(code);
  return encodeFrame(opcode.close, payload);
}

interface Head {
  final: boolean;
  opcode: number;
  length: number;
  /** Bytes of the head itself, without the mask. */
  size: number;
}

interface Current {
  opcode: number;
  /** Bytes of payload that are still to come. */
  left: number;
  mask: Buffer;
  /** Where in the mask the next byte is. */
  at: number;
}

/**
 * Reads a client's bytes: give it each chunk, and `take` is called with the pieces of messages as they come, so that a
 * message may be of any length, and with control frames as wholes. Chunks are unmasked in place. Throws a ProtocolError.
 */
export function frameReader(take: (incoming: Incoming) => void): (chunk: Buffer) => void {
  let pending: Buffer = Buffer.alloc(0);
  let current: Current | undefined;
  let inMessage = false;

  const begin = (): Current | undefined => {
    const head = readHead(pending);
    if (!head || pending.length < head.size + MASK_SIZE) return undefined;
    if (head.opcode < opcode.close) {
      if (inMessage !== (head.opcode === opcode.continuation)) throw new ProtocolError('a message inside a message');
      inMessage = !head.final;
    }
    const mask = Buffer.from(pending.subarray(head.size, head.size + MASK_SIZE));
    pending = pending.subarray(head.size + MASK_SIZE);
    return { opcode: head.opcode, left: head.length, mask, at: 0 };
  };

  return (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    for (;;) {
      current ??= begin();
      if (!current) return;
      const isControl = current.opcode >= opcode.close;
      if (isControl && pending.length < current.left) return;
      const payload = unmask(pending.subarray(0, current.left), current);
      pending = pending.subarray(payload.length);
      current.left -= payload.length;
      if (isControl || payload.length > 0) take({ opcode: current.opcode, payload });
      if (current.left > 0) return;
      current = undefined;
    }
  };
}

/** Undefined while there are too few bytes. */
function readHead(bytes: Buffer): Head | undefined {
  if (bytes.length < 2) return undefined;
  const [first = 0, second = 0] = bytes;
  const code = first & 0x0f;
  const final = (first & 0x80) !== 0;
  const short = second & 0x7f;
  if ((first & 0x70) !== 0) throw new ProtocolError('an extension that was not agreed on');
  if (!Object.values<number>(opcode).includes(code)) throw new ProtocolError(`an unknown opcode ${code}`);
  if ((second & 0x80) === 0) throw new ProtocolError('a frame without mask');
  if (code >= opcode.close && (!final || short > CONTROL_LIMIT)) throw new ProtocolError('a control frame in parts');
  const size = short === 127 ? 10 : short === 126 ? 4 : 2;
  if (bytes.length < size) return undefined;
  const length = size === 10 ? Number(bytes.readBigUInt64BE(2)) : size === 4 ? bytes.readUInt16BE(2) : short;
  if (!Number.isSafeInteger(length)) throw new ProtocolError(`a frame of ${length} bytes`);
  return { final, opcode: code, length, size };
}

function unmask(bytes: Buffer, current: Current): Buffer {
  for (let i = 0; i < bytes.length; i++) bytes[i]! ^= current.mask[current.at++ & 3]!;
  current.at &= 3;
  return bytes;
}
