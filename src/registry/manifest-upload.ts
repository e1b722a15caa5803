import type { Digest } from '#lib/digest.ts';
import type { BlobTarget } from './blob-upload.ts';

/** A manifest's exact bytes. */
export interface ManifestBytes {
  mediaType: string;
  bytes: Buffer;
}

/** The digest of the manifest of one of these types at a tag: `HEAD`. Undefined when there is none, or nobody says. */
export async function manifestAt(
  { session, repository, signal }: BlobTarget,
  tag: string,
  mediaTypes: readonly string[],
): Promise<Digest | undefined> {
  const reply = await session.request({
    method: 'HEAD',
    url: `/v2/${repository}/manifests/${tag}`,
    headers: { Accept: mediaTypes.join(', ') },
    accept: [200, 400, 403, 404, 405],
    signal,
  });
  reply.discard();
  return reply.status === 200 ? (reply.headers['docker-content-digest'] as Digest | undefined) : undefined;
}

/** Puts a manifest under a tag or its digest; all that it names must be there. Throws as `Session.request` does. */
export async function putManifest(
  { session, repository, signal }: BlobTarget,
  target: string,
  { mediaType, bytes }: ManifestBytes,
): Promise<void> {
  const reply = await session.request({
    method: 'PUT',
    url: `/v2/${repository}/manifests/${target}`,
    headers: { 'Content-Type': mediaType },
    body: bytes,
    accept: [200, 201, 202],
    signal,
  });
  reply.discard();
}
