/** Docker's multiplexed stream: 8 bytes of header (stream, three zeros, length big-endian), then the payload. */
export const STDOUT = 1;
export const STDERR = 2;

export function frame(stream: typeof STDOUT | typeof STDERR, payload: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(8 + payload.length);
  framed.writeUInt32BE((stream << 24) >>> 0, 0);
  framed.writeUInt32BE(payload.length, 4);
  payload.copy(framed, 8);
  return framed;
}
