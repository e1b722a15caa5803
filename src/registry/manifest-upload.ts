import type { BlobTarget } from './blob-upload.ts';

/** A manifest's exact bytes. */
export interface ManifestBytes {
  mediaType: string;
  bytes: Buffer;
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
