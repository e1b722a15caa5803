/** The monitor's side of native/protocol.h, coded and decoded. All integers are little-endian. */
import { STDERR, STDOUT } from '#lib/stdcopy.ts';

export const version = 2;
export const headerSize = 8;
/** A monitor's state with its header, which is what an exit record is. */
export const recordSize = headerSize + 56;
/** No frame's payload is longer. */
export const maxPayload = 64 * 1024;

export const request = {
  query: 0,
  start: 1,
  signal: 2,
  resize: 3,
  stdin: 4,
  stdinEof: 5,
  output: 6,
  writer: 7,
} as const;

export const message = {
  state: 65,
  started: 66,
  startFailed: 67,
  exited: 68,
  cleaned: 69,
  reply: 70,
  taken: 71,
  stdout: 72,
  stderr: 73,
} as const;

/** What a monitor does with output beside logging it; held: the process waits with more. */
export const output = { ignored: 0, sent: 1, held: 2 } as const;

const phases = ['waiting', 'starting', 'running', 'ended'] as const;

export interface MonitorState {
  phase: (typeof phases)[number];
  /** 0 before the start and after a failed one. */
  pid: number;
  /** Field 22 of /proc/PID/stat, digits: with pid and boot id it names the process for good. */
  processStartTime: string;
  /** ns since 1970; 0n = not yet. */
  startedAt: bigint;
  finishedAt: bigint;
  /** 128 + signal for a killed process. */
  code: number;
  signal: number;
  oom: boolean;
  /** errno for which the log cannot be written at the moment; 0 = it can. */
  logErrno: number;
  /** Lines that did not reach the log: non-blocking mode with a full buffer, or a full disk. */
  logDropped: bigint;
}

/** What a runtime left behind when it could not start a container or an exec. */
export interface RuntimeReport {
  /** Wait status of the runtime; negative: the errno for which the monitor itself failed. */
  status: number;
  /** The end of the runtime's log: JSON lines. */
  log: string;
  stderr: string;
}

export interface Frame {
  type: number;
  payload: Buffer;
}

export function encodeHeader(type: number, length: number): Buffer {
  const header = Buffer.alloc(headerSize);
  header.writeUInt8(version, 0);
  header.writeUInt8(type, 1);
  header.writeUInt32LE(length, 4);
  return header;
}

export function encodeFrame(type: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([encodeHeader(type, payload.length), payload]);
}

/** A request with a u32. */
export function encodeNumber(type: number, value: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32LE(value);
  return encodeFrame(type, payload);
}

/** `rows` and `columns` are cut to 16 bits, as the kernel has them. */
export function encodeResize(rows: number, columns: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt16LE(rows & 0xffff, 0);
  payload.writeUInt16LE(columns & 0xffff, 2);
  return encodeFrame(request.resize, payload);
}

/**
 * Cuts a byte stream into frames: give it each chunk, get the frames that are complete. Throws a RangeError for a
 * version or a length that no monitor sends.
 */
export function frameParser(): (chunk: Buffer) => Frame[] {
  let pending: Buffer = Buffer.alloc(0);
  return (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    const frames: Frame[] = [];
    while (pending.length >= headerSize) {
      const length = pending.readUInt32LE(4);
      if (pending[0] !== version || length > maxPayload)
        throw new RangeError(`a frame of version ${pending[0]} and ${length} bytes`);
      if (pending.length < headerSize + length) break;
      frames.push({ type: pending[1]!, payload: pending.subarray(headerSize, headerSize + length) });
      pending = pending.subarray(headerSize + length);
    }
    return frames;
  };
}

/** Output in Docker's framing: its header takes the place of ours, which is as long. */
export function dockerFrame({ type, payload }: Frame): Buffer {
  const frame = Buffer.from(payload.buffer, payload.byteOffset - headerSize, headerSize + payload.length);
  frame.writeUInt32BE((type === message.stdout ? STDOUT : STDERR) << 24, 0);
  frame.writeUInt32BE(payload.length, 4);
  return frame;
}

export function decodeState(payload: Buffer): MonitorState {
  return {
    phase: phases[payload.readUInt32LE(0)] ?? 'ended',
    pid: payload.readInt32LE(4),
    processStartTime: payload.readBigUInt64LE(8).toString(),
    startedAt: payload.readBigInt64LE(16),
    finishedAt: payload.readBigInt64LE(24),
    code: payload.readInt32LE(32),
    signal: payload.readInt32LE(36),
    oom: payload.readUInt32LE(40) !== 0,
    logErrno: payload.readInt32LE(44),
    logDropped: payload.readBigUInt64LE(48),
  };
}

export function decodeReport(payload: Buffer): RuntimeReport {
  const logLength = payload.readUInt32LE(4);
  return {
    status: payload.readInt32LE(0),
    log: payload.toString('utf8', 8, 8 + logLength),
    stderr: payload.toString('utf8', 8 + logLength),
  };
}
