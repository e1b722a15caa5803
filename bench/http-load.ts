import { connect } from 'node:net';

export interface HttpLoadResult {
  requestsPerSecond: number;
  bytesPerSecond: number;
}

/**
 * Asks for `path` over and over on some keep-alive connections to a unix socket and counts the replies. It reads just
 * enough of each to know its end (a Content-Length, or the last chunk), so that it costs less than what it measures.
 */
export async function httpLoad(
  socketPath: string,
  path: string,
  { connections = 8, seconds = 3 }: { connections?: number; seconds?: number } = {},
): Promise<HttpLoadResult> {
  const request = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n`);
  const end = performance.now() + seconds * 1000;
  let replies = 0;
  let bytes = 0;

  const client = () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect(socketPath, () => socket.write(request));
      const reply = replyEnd();
      socket.on('error', reject);
      socket.on('data', (chunk) => {
        bytes += chunk.length;
        if (!reply(chunk)) return;
        replies++;
        if (performance.now() < end) return void socket.write(request);
        socket.destroy();
        resolve();
      });
    });

  const start = performance.now();
  await Promise.all(Array.from({ length: connections }, client));
  const elapsed = (performance.now() - start) / 1000;
  return { requestsPerSecond: replies / elapsed, bytesPerSecond: bytes / elapsed };
}

/** Gives a function that is told each chunk and says whether the reply is complete with it. */
function replyEnd(): (chunk: Buffer) => boolean {
  let missing: number | 'head' | 'chunks' = 'head';
  return (chunk) => {
    if (missing === 'head') {
      const headEnd = chunk.indexOf('\r\n\r\n') + 4;
      if (headEnd < 4) throw new Error('a head that is split over packets');
      const head = chunk.toString('latin1', 0, headEnd);
      if (!head.startsWith('HTTP/1.1 200')) throw new Error(`not a success: ${head.split('\r\n', 1)[0]}`);
      const length = /content-length: (\d+)/i.exec(head)?.[1];
      missing = length === undefined ? 'chunks' : Number(length) + headEnd;
    }
    if (missing === 'chunks') {
      if (!chunk.subarray(-7).equals(LAST_CHUNK)) return false;
    } else {
      missing -= chunk.length;
      if (missing > 0) return false;
    }
    missing = 'head';
    return true;
  };
}

const LAST_CHUNK = Buffer.from('\r\n0\r\n\r\n');

if (import.meta.main) {
  const [socketPath, path, connections, seconds] = process.argv.slice(2);
  if (!socketPath || !path) throw new Error('usage: http-load.ts SOCKET PATH [CONNECTIONS [SECONDS]]');
  const options = { connections: Number(connections ?? 8), seconds: Number(seconds ?? 3) };
  const { requestsPerSecond, bytesPerSecond } = await httpLoad(socketPath, path, options);
  process.stdout.write(`${path}: ${requestsPerSecond.toFixed(0)} /s, ${(bytesPerSecond / 1e6).toFixed(0)} MB/s\n`);
}
