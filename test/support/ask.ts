import { request } from 'node:http';

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  /** The `message` of an error; empty without one. */
  message: string;
}

/** One request to the API on a unix socket, on a connection of its own. An object goes as JSON, a text as it is. */
export function ask(
  socketPath: string,
  method: string,
  path: string,
  body?: object | string | Buffer,
  contentType = 'application/json',
  more: Record<string, string> = {},
): Promise<Answer> {
  const bytes = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const about = bytes === undefined ? {} : { 'content-type': contentType, 'content-length': Buffer.byteLength(bytes) };
  const headers = { ...about, ...more };
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, agent: false, headers }, (reply) => {
      let text = '';
      reply.setEncoding('utf8');
      reply.on('data', (chunk: string) => (text += chunk));
      reply.on('error', reject);
      reply.on('end', () =>
        resolve({ status: reply.statusCode ?? 0, headers: reply.headers, text, message: messageOf(text) }),
      );
    });
    sent.on('error', reject);
    sent.end(bytes);
  });
}

function messageOf(text: string): string {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? '';
  } catch {
    return '';
  }
}
