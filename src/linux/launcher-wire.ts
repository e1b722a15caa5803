/** The launcher's binary protocol as native/protocol.h defines it: a request's frame and that of its reply. */
import type { Argument, Call } from './launcher-calls.ts';

const VERSION = 3;
const HEADER_SIZE = 12;
const NAME_SIZE = 16;
const CALL_SIZE = NAME_SIZE + 4;
const REPLY_SIZE = HEADER_SIZE + 88;

/** A frame's payload is at most this many bytes, in both directions. */
export const MAX_PAYLOAD = 1 << 20;

/** In the place of the call that failed: the request, or its reply, as a whole; there are no results then. */
export const NO_CALL = 0xffffffff;

/** Bytes that are put together; `length` of them are there. */
interface Frame {
  bytes: Buffer;
  length: number;
}

/** Makes room for as many bytes and gives where they go. */
function extend(frame: Frame, size: number): number {
  const at = frame.length;
  frame.length += size;
  if (frame.length > frame.bytes.length) {
    const bigger = Buffer.allocUnsafe(2 * frame.length);
    frame.bytes.copy(bigger, 0, 0, at);
    frame.bytes = bigger;
  }
  return at;
}

function putNumber(frame: Frame, value: number): void {
  const at = extend(frame, 4);
  frame.bytes.writeInt32LE(value | 0, at);
}

function putText(frame: Frame, text: string): void {
  if (text.includes('\0')) throw new RangeError(`${JSON.stringify(text)} has a NUL character`);
  const length = Buffer.byteLength(text);
  const at = extend(frame, length + 1);
  frame.bytes.write(text, at);
  frame.bytes[at + length] = 0;
}

function putBytes(frame: Frame, bytes: Uint8Array | string | string[]): void {
  if (typeof bytes === 'string') putText(frame, bytes);
  else if (Array.isArray(bytes)) for (const text of bytes) putText(frame, text);
  else {
    const at = extend(frame, bytes.length);
    frame.bytes.set(bytes, at);
  }
}

function putArgument(frame: Frame, argument: Argument): void {
  if (typeof argument === 'number') putNumber(frame, argument);
  else if (argument === null) putNumber(frame, 0);
  else if (typeof argument === 'object' && 'index' in argument) putNumber(frame, argument.index);
  else {
    const at = extend(frame, 4);
    putBytes(frame, argument);
    frame.bytes.writeUInt32LE(frame.length - at - 4, at);
  }
}

function putCall(frame: Frame, { name, undoes, fine = [], arguments: args }: Omit<Call, 'label'>): void {
  const at = extend(frame, CALL_SIZE);
  frame.bytes.fill(0, at, at + CALL_SIZE);
  frame.bytes.write(name, at, NAME_SIZE, 'latin1');
  frame.bytes[at + NAME_SIZE] = undoes ? undoes.index + 1 : 0;
  frame.bytes.set(fine, at + NAME_SIZE + 1);
  for (const argument of args) putArgument(frame, argument);
}

/** The whole frame of a request. Throws a RangeError when its payload would exceed MAX_PAYLOAD or a text has a NUL. */
export function encodeRequest(id: number, calls: Omit<Call, 'label'>[]): Buffer {
  const frame: Frame = { bytes: Buffer.allocUnsafe(1024), length: HEADER_SIZE };
  for (const call of calls) putCall(frame, call);
  const length = frame.length - HEADER_SIZE;
  if (length > MAX_PAYLOAD) throw new RangeError(`${length} bytes are more than a request can hold (${MAX_PAYLOAD})`);
  frame.bytes.writeUInt32LE(VERSION, 0);
  frame.bytes.writeUInt32LE(id, 4);
  frame.bytes.writeUInt32LE(length, 8);
  return frame.bytes.subarray(0, frame.length);
}

/** What a call gave. */
export interface CallResult {
  /** -errno of one that failed, -ECANCELED of one that was not made. */
  value: number;
  output: Buffer;
}

export interface Reply {
  id: number;
  /** Of the first call that failed, 0 = none has. */
  errno: number;
  /** Its place in the request, or NO_CALL. */
  failed: number;
  /** The error's name, `ENOENT` (empty for an unknown one), and the C library's text for it. */
  name: string;
  text: string;
  /** One for each call. */
  results: CallResult[];
}

function decodeReply(frame: Buffer): Reply {
  const textAt = HEADER_SIZE + 8 + NAME_SIZE;
  return {
    id: frame.readUInt32LE(4),
    errno: frame.readInt32LE(HEADER_SIZE),
    failed: frame.readUInt32LE(HEADER_SIZE + 4),
    name: decodeText(frame.subarray(HEADER_SIZE + 8, textAt)),
    text: decodeText(frame.subarray(textAt, REPLY_SIZE)),
    results: decodeResults(frame.subarray(REPLY_SIZE)),
  };
}

function decodeText(bytes: Buffer): string {
  return bytes.toString('utf8', 0, bytes.indexOf(0));
}

function decodeResults(bytes: Buffer): CallResult[] {
  const results: CallResult[] = [];
  for (let at = 0; at < bytes.length; ) {
    const value = bytes.readInt32LE(at);
    const end = at + 8 + bytes.readUInt32LE(at + 4);
    if (end > bytes.length) throw new RangeError('a result is longer than its frame');
    results.push({ value, output: bytes.subarray(at + 8, end) });
    at = end;
  }
  return results;
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
      if (version !== VERSION || length > MAX_PAYLOAD || length < REPLY_SIZE - HEADER_SIZE) {
        throw new RangeError(`the launcher sent a frame of version ${version} with ${length} bytes`);
      }
      if (pending.length < HEADER_SIZE + length) break;
      replies.push(decodeReply(pending.subarray(0, HEADER_SIZE + length)));
      pending = pending.subarray(HEADER_SIZE + length);
    }
    return replies;
  };
}
