/**
 * The first `length` bytes of a stream (fewer when it is shorter), and the whole stream again, those included. The head may
 * be longer than asked for; it is valid until the stream is read.
 */
export async function peek(
  chunks: AsyncIterable<Buffer>,
  length: number,
): Promise<{ head: Buffer; all: AsyncIterable<Buffer> }> {
  const iterator = chunks[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  while (head.length < length) {
    const before = Buffer.from(head); // a chunk is valid until the next one is asked for
    const { value, done } = await iterator.next();
    head = done ? before : before.length === 0 ? value : Buffer.concat([before, value]);
    if (done) break;
  }
  async function* all(): AsyncGenerator<Buffer, void, void> {
    try {
      if (head.length > 0) yield head;
      for (;;) {
        const { value, done } = await iterator.next();
        if (done) return;
        yield value;
      }
    } finally {
      await iterator.return?.();
    }
  }
  return { head, all: all() };
}
