import { type EngineError, isEngineError, system, unavailable } from '#errors/errors.ts';
import type { Digest } from '#lib/digest.ts';
import { CONNECTION_LOST } from './connection-error.ts';
import type { RegistryReply } from './exchange.ts';
import { backOff, pause } from './retry.ts';
import type { Session } from './session.ts';

/** Where a blob goes to. */
export interface BlobTarget {
  session: Session;
  /** Path of the repository below the registry's domain. */
  repository: string;
  signal: AbortSignal;
}

/** A blob on its way: it may still be written while its first bytes are sent. */
export interface UploadSource {
  /** Waits until `length` bytes are there, or all: gives how many there are, and whether these are all. */
  reached(length: number): Promise<{ length: number; complete: boolean }>;
  /** The bytes from `start` to `end`, which must be there. */
  read(start: number, end: number): AsyncIterable<Uint8Array>;
  /** When it is complete. */
  digest(): Promise<Digest>;
}

export interface UploadOptions {
  /** Bytes that have been sent, counted anew when the upload begins anew. */
  onProgress(sent: number): void;
}

/** Bytes of one request, unless the registry wants larger ones. A blob that is no larger goes up in one. */
const CHUNK = 32 << 20;

/** Codes of errors after which an upload that is begun anew may succeed. */
const LOST: ReadonlySet<string> = new Set([
  'BLOB_UPLOAD_INVALID',
  'BLOB_UPLOAD_UNKNOWN',
  'DIGEST_INVALID',
  'RANGE_INVALID',
  'SIZE_INVALID',
  'UPLOAD_LOST',
]);

/** Whether the repository has the blob: `HEAD`. */
export async function hasBlob({ session, repository, signal }: BlobTarget, digest: Digest): Promise<boolean> {
  const url = `/v2/${repository}/blobs/${digest}`;
  const reply = await session.request({ method: 'HEAD', url, accept: [200, 404], signal });
  reply.discard();
  return reply.status === 200;
}

/**
 * Takes the blob over from another repository of the registry. False when the registry does not do that, or does not have
 * it there.
 */
export async function mountBlob(target: BlobTarget, digest: Digest, from: string): Promise<boolean> {
  const { session, repository, signal } = target;
  const url = `/v2/${repository}/blobs/uploads/?mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(from)}`;
  const reply = await session.request({ method: 'POST', url, accept: [201, 202], signal });
  reply.discard();
  if (reply.status === 201) return true;
  await abandon(target, placeOf(session, reply));
  return false;
}

/**
 * Sends a blob, from its beginning on while it grows. What breaks is resumed where the registry says that it is, or begun
 * anew. Gives the blob's digest, which the registry has verified. Throws as `Session.request` does.
 */
export async function uploadBlob(
  target: BlobTarget,
  source: UploadSource,
  { onProgress }: UploadOptions,
): Promise<Digest> {
  const { session, signal } = target;
  for (let failures = 1; ; failures++) {
    try {
      return await upload(target, source, onProgress);
    } catch (error) {
      if (!isLost(error) || failures >= session.attempts) throw error;
    }
    await pause(backOff(session.backOff, failures), signal);
    // The reply that was lost may have been the last one.
    const { complete } = await source.reached(0);
    if (complete && (await hasBlob(target, await source.digest()))) return source.digest();
  }
}

async function upload(target: BlobTarget, source: UploadSource, onProgress: (sent: number) => void): Promise<Digest> {
  const { session, repository, signal } = target;
  const begun = await session.request({
    method: 'POST',
    url: `/v2/${repository}/blobs/uploads/`,
    accept: [202],
    signal,
  });
  begun.discard();
  const chunk = Math.max(CHUNK, Number(begun.headers['oci-chunk-min-length'] ?? 0));
  let place = placeOf(session, begun);
  let sent = 0;
  let failures = 0;
  onProgress(0);
  try {
    for (;;) {
      const { length, complete } = await source.reached(sent + chunk);
      const end = Math.min(length, sent + chunk);
      const isLast = complete && end === length;
      if (isLast && (sent === 0 || end === sent)) return await finish(target, place, source, [sent, end], onProgress);
      const step = await sendChunk(target, place, source, [sent, end], onProgress);
      failures = step.sent > sent ? 0 : failures + 1;
      if (step.failure && failures >= session.attempts) throw step.failure;
      if (step.failure) await pause(backOff(session.backOff, failures + 1), signal);
      ({ place, sent } = step);
    }
  } catch (error) {
    await abandon(target, place);
    throw error;
  }
}

interface Progress {
  place: URL;
  sent: number;
  /** Why it is less than was to be sent. */
  failure?: EngineError;
}

async function sendChunk(
  target: BlobTarget,
  place: URL,
  source: UploadSource,
  [start, end]: [number, number],
  onProgress: (sent: number) => void,
): Promise<Progress> {
  const { session, signal } = target;
  try {
    const reply = await session.request({
      method: 'PATCH',
      url: place,
      headers: {
        'Content-Type': 'application/octet-stream',
        'Content-Range': `${start}-${end - 1}`,
        'Content-Length': end - start,
      },
      body: () => counted(source.read(start, end), start, onProgress),
      accept: [202],
      retry: false,
      signal,
    });
    reply.discard();
    return { place: placeOf(session, reply), sent: end };
  } catch (error) {
    if (!isTemporary(error)) throw error;
    return askProgress(target, place, [start, end], error);
  }
}

/** How far an upload has come whose last chunk met with `failure`. Throws `UPLOAD_LOST` when nobody knows. */
async function askProgress(
  { session, signal }: BlobTarget,
  place: URL,
  [start, end]: [number, number],
  failure: EngineError,
): Promise<Progress> {
  const reply = await session.request({ method: 'GET', url: place, accept: [200, 204, 404, 416], signal });
  reply.discard();
  const range = /^(?:bytes=)?0-(\d+)$/.exec(String(reply.headers.range ?? ''));
  // Of nothing, too, registries say `0-0`.
  const sent = range ? (range[1] === '0' ? 0 : Number(range[1]) + 1) : Number.NaN;
  // A chunk of which nothing came, or all, goes on; what lies between is gone on with too, by those who can.
  if (reply.status === 204 && sent >= start && sent <= end)
    return { place: placeOf(session, reply, place), sent, failure };
  throw unavailable(`${reply.title}: the registry has lost the upload`, { code: 'UPLOAD_LOST', cause: failure });
}

/** Sends what is left, and the digest of all. */
async function finish(
  target: BlobTarget,
  place: URL,
  source: UploadSource,
  [start, end]: [number, number],
  onProgress: (sent: number) => void,
): Promise<Digest> {
  const { session, signal } = target;
  const digest = await source.digest();
  const url = new URL(place);
  url.searchParams.set('digest', digest);
  const reply = await session.request({
    method: 'PUT',
    url,
    headers: { 'Content-Type': 'application/octet-stream', 'Content-Length': end - start },
    body: end > start ? () => counted(source.read(start, end), start, onProgress) : undefined,
    accept: [201, 204],
    signal,
  });
  reply.discard();
  return digest;
}

async function* counted(chunks: AsyncIterable<Uint8Array>, start: number, onProgress: (sent: number) => void) {
  let sent = start;
  for await (const chunk of chunks) {
    yield chunk;
    sent += chunk.length;
    onProgress(sent);
  }
}

/** Tells the registry that an upload does not go on. Nobody minds if that fails: registries clean up after a while. */
async function abandon({ session, signal }: BlobTarget, place: URL): Promise<void> {
  if (signal.aborted) return;
  const asked = session.request({ method: 'DELETE', url: place, accept: [202, 204, 404], retry: false, signal });
  await asked.then((reply) => reply.discard()).catch(() => {});
}

function placeOf(session: Session, reply: RegistryReply, otherwise?: URL): URL {
  const { location } = reply.headers;
  if (location !== undefined) return session.resolve(location, reply);
  if (otherwise) return otherwise;
  throw system(`${reply.title}: the registry does not say where to upload to`, { code: 'LOCATION_MISSING' });
}

function isLost(error: unknown): boolean {
  return isEngineError(error) && LOST.has(error.code ?? '');
}

/** Whether the same request may succeed a little later. */
function isTemporary(error: unknown): error is EngineError {
  if (!isEngineError(error, 'unavailable')) return false;
  return (
    /^(TOOMANYREQUESTS|UNAVAILABLE|HTTP_(408|429|5\d\d))$/.test(error.code ?? '') || error.code === CONNECTION_LOST
  );
}
