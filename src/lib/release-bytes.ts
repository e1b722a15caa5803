/**
 * Gives the memory of bytes that nobody will look at again back at once. What a socket brings lies in a new buffer of 64 KiB
 * for each read: those that live until a write ends are collected with the old generation, again and again, which costs more
 * time than all else that is done with them. Bytes that share their buffer with others are left to the collector.
 */
export function releaseBytes(bytes: Uint8Array | Uint32Array): void {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && bytes.byteLength === buffer.byteLength) buffer.transfer(0);
}
