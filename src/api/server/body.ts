import { cancelled, invalid } from '#errors/errors.ts';
import type { Request } from './http1/request.ts';
import { parseJson } from './wire-json.ts';

/** Bytes; the largest honest body, a create request with an inline seccomp profile, is a hundredth of it. */
const BODY_LIMIT = 1 << 20;

/** The whole body of a request. Throws `invalid` beyond `limit` bytes, `cancelled` when the client goes away. */
export async function readBody(request: Request, limit = BODY_LIMIT): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  const tooLarge = () => invalid(`the request body is larger than ${limit} bytes`);
  if (Number(request.head.bodyLength) > limit) throw tooLarge();
  try {
    for await (const chunk of request.body) {
      size += chunk.length;
      if (size > limit) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') {
      throw cancelled('the client went away while it sent its request', { cause: error });
    }
    throw error;
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

/**
 * The JSON value of the body; undefined when there is no body. Throws `invalid` for another Content-Type, as dockerd
 * does, and for text that is not JSON.
 */
export async function readJson(call: { request: Request; body(): Promise<Buffer> }): Promise<unknown> {
  const { request } = call;
  checkContentType(request);
  if (!request.hasBody) return undefined;
  const text = (await call.body()).toString('utf8');
  if (text.trim() === '') throw invalid('invalid JSON: got EOF while reading request body');
  return parseJson(text);
}

function checkContentType(request: Request): void {
  const header = request.headers['content-type'] ?? '';
  if (header === '' && !request.hasBody) return;
  const type = header.split(';', 1)[0]!.trim().toLowerCase();
  if (type === 'application/json') return;
  if (!/^[^\s/;]+\/[^\s/;]+$/.test(type)) throw invalid(`malformed Content-Type header (${header})`);
  throw invalid(`unsupported Content-Type header (${header}): must be 'application/json'`);
}
