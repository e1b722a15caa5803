import { type EngineError, invalid, isEngineError, unavailable } from '#errors/errors.ts';
import type { Digest } from '#lib/digest.ts';
import { CONNECTION_LOST, connectionError } from './connection-error.ts';
import type { RegistryReply } from './exchange.ts';
import { backOff, pause } from './retry.ts';
import type { Session } from './session.ts';

/** Where a blob is. */
export interface BlobSource {
  session: Session;
  /** Path of the repository below the registry's domain. */
  repository: string;
  digest: Digest;
  /** Bytes. */
  size: number;
}

export interface DownloadOptions {
  /** Bytes at hand: the first ones. */
  offset: number;
  /** The ETag with which they came. */
  validator: string | undefined;
  /** A strong ETag came. */
  onValidator(etag: string): Promise<void>;
  signal: AbortSignal;
}

/** Code of the error that says that the bytes at hand are of no use: the download has to begin anew. */
export const BLOB_CHANGED = 'BLOB_CHANGED';

/** Bytes by which a connection has to bring the download on before its failure counts as the first one again. */
const PROGRESS = 64 << 10;

/**
 * The bytes of a blob from `offset` to its end, over as many connections as that takes: one that breaks is followed by
 * another which asks for the rest. Nothing is verified here but the length. Throws `BLOB_CHANGED` when the server does not
 * give the rest of the same bytes, and as `Session.request` does.
 */
export async function* downloadBlob(source: BlobSource, options: DownloadOptions): AsyncGenerator<Buffer, void, void> {
  const { size, session } = source;
  const { signal } = options;
  let { offset: at, validator } = options;
  let failures = 0;
  for (let began = at; at < size; ) {
    const reply = await requestFrom(source, at, validator, signal);
    const etag = strongEtag(reply);
    if (etag) await options.onValidator(etag);
    validator = etag ?? validator;
    let failure: Error | undefined;
    try {
      for await (const chunk of reply.body as AsyncIterable<Buffer>) {
        at += chunk.length;
        if (at > size) throw invalid(`${reply.title}: the blob has more than its ${size} bytes`);
        yield chunk;
      }
    } catch (error) {
      failure = connectionError('GET', reply.url, error, signal);
      if (!isEngineError(failure, 'unavailable')) throw failure;
    }
    if (at >= size) return;
    if (at - began >= PROGRESS) failures = 0;
    began = at;
    if (++failures >= session.attempts) throw failure ?? cutShort(reply, at, size);
    await pause(backOff(session.backOff, failures), signal);
  }
}

async function requestFrom(
  { session, repository, digest, size }: BlobSource,
  at: number,
  validator: string | undefined,
  signal: AbortSignal,
): Promise<RegistryReply> {
  const reply = await session.request({
    method: 'GET',
    url: `/v2/${repository}/blobs/${digest}`,
    headers: at === 0 ? {} : { Range: `bytes=${at}-`, ...(validator && { 'If-Range': validator }) },
    accept: [200, 206, 416],
    signal,
  });
  const problem = whyUseless(reply, { at, size, validator });
  if (!problem) return reply;
  reply.discard();
  throw problem;
}

/** Why the body of the reply is not the blob from byte `at` on. */
function whyUseless(
  reply: RegistryReply,
  { at, size, validator }: { at: number; size: number; validator: string | undefined },
): EngineError | undefined {
  const { status, headers, title } = reply;
  const changed = (why: string) => invalid(`${title}: ${why}`, { code: BLOB_CHANGED });
  if (status === 416) return changed('the server has no bytes there');
  if (status === 200) {
    if (at > 0) return changed('the server sends the whole blob again');
    const length = headers['content-length'];
    if (length === undefined || Number(length) === size) return undefined;
    return invalid(`${title}: the blob has ${length} bytes, the manifest says ${size}`);
  }
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers['content-range'] ?? '');
  if (!range || Number(range[1]) !== at) return changed('the server sends another part of the blob');
  if (range[2] !== '*' && Number(range[2]) !== size) return changed(`the blob has ${range[2]} bytes now`);
  const etag = strongEtag(reply);
  return validator && etag && etag !== validator ? changed('the blob has changed') : undefined;
}

/** Weak ones do not tell whether bytes are the same. */
function strongEtag({ headers }: RegistryReply): string | undefined {
  return headers.etag?.startsWith('"') ? headers.etag : undefined;
}

function cutShort({ title }: RegistryReply, at: number, size: number): Error {
  return unavailable(`${title}: unexpected EOF: the blob ends after ${at} of ${size} bytes`, { code: CONNECTION_LOST });
}
