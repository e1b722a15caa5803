import { createReadStream } from 'node:fs';
import type { ProgressMessage } from '#api/types/image.ts';
import type { CompressRequest } from '#archive/compress-file.ts';
import { isEngineError } from '#errors/errors.ts';
import { type Digest, shortId } from '#lib/digest.ts';
import { fault } from '#lib/write-steps.ts';
import { type BlobTarget, hasBlob, mountBlob, type UploadSource, uploadBlob } from '#registry/blob-upload.ts';
import { repositoryScope } from '#registry/scopes.ts';
import { blobStatements, type KnownBlob, knownBlobs } from '../known-blobs.ts';
import type { GraphState } from '../state.ts';
import { layerMessages } from '../transfer-progress.ts';
import { beginCompression } from './compressed-layer.ts';

/** Where a push goes to. */
export interface PushTarget extends BlobTarget {
  /** The registry's domain. */
  domain: string;
  compression: CompressRequest['compression'];
  /** Repositories of which the image came, or to which it was pushed: there are the blobs of its manifests. */
  sources: readonly string[];
  emit: (message: ProgressMessage) => void;
}

/** The blob at the target that holds a layer. */
export interface PushedBlob {
  digest: Digest;
  mediaType: string;
  /** Bytes. */
  size: number;
}

/** Blobs that are looked for, and mounts that are tried, for one layer. */
const MAX_CANDIDATES = 5;

/**
 * Sees to it that the repository has a blob of the layer, which is pinned: one of `own` or another that is known, where it
 * is there already or in another repository of the registry, else one that is made and sent. Throws as `Session.request` does.
 */
export async function pushLayer(
  state: GraphState,
  target: PushTarget,
  diffId: Digest,
  own: readonly KnownBlob[],
): Promise<PushedBlob> {
  const { emit } = target;
  const say = (status: string) => emit({ status, progressDetail: {}, id: shortId(diffId) });
  const recorded = await knownBlobs(state, diffId);
  const candidates = merged(own, recorded).slice(0, MAX_CANDIDATES);
  for (const blob of candidates) {
    if (!(await hasBlob(target, blob.digest))) continue;
    say('Layer already exists');
    return blob;
  }
  const mounted = await mountFrom(target, candidates);
  if (mounted) {
    // What a manifest alone says of a blob counts for its own image only.
    const isKnown = recorded.some(({ digest }) => digest === mounted.blob.digest);
    if (isKnown) await rememberBlob(state, target, diffId, mounted.blob);
    say(`Mounted from ${mounted.from}`);
    return mounted.blob;
  }
  const sent = (await sendKept(state, target, diffId, candidates)) ?? (await sendLayer(state, target, diffId));
  await rememberBlob(state, target, diffId, sent);
  say('Pushed');
  return sent;
}

/** The blobs that the image's manifests name, then what else is known; each with all that is known of it. */
function merged(own: readonly KnownBlob[], recorded: readonly KnownBlob[]): KnownBlob[] {
  const known = new Map(recorded.map((blob) => [blob.digest, blob]));
  const first = new Map(
    own.map((blob) => {
      const repositories = [...(known.get(blob.digest)?.repositories ?? []), ...blob.repositories];
      return [blob.digest, { ...blob, repositories: [...new Set(repositories)] }];
    }),
  );
  return [...first.values(), ...recorded.filter(({ digest }) => !first.has(digest))];
}

/** At once, so that neither a failure of the push nor one beside it makes the blob again. */
async function rememberBlob(state: GraphState, target: PushTarget, diffId: Digest, blob: PushedBlob): Promise<void> {
  const repository = `${target.domain}/${target.repository}`;
  await state.db.write(blobStatements({ ...blob, diffId }, repository, state.now()));
  fault('image.push.blob');
  state.layers.addSource(diffId, blob.digest);
}

async function mountFrom(target: PushTarget, candidates: readonly KnownBlob[]) {
  const { domain, repository, session } = target;
  const places = candidates.flatMap((blob) =>
    blob.repositories.flatMap((name) => {
      const from = name.startsWith(`${domain}/`) ? name.slice(domain.length + 1) : repository;
      return from === repository ? [] : [{ blob, from }];
    }),
  );
  for (const { blob, from } of places.slice(0, MAX_CANDIDATES)) {
    session.addScope(repositoryScope(from, 'pull'));
    if (await mountBlob(target, blob.digest, from).catch(refused)) return { blob, from };
  }
  return undefined;
}

/** Who may not read the other repository sends the blob. */
function refused(error: unknown): false {
  if (isEngineError(error, 'unauthorized') || isEngineError(error, 'forbidden')) return false;
  if (isEngineError(error, 'not-found') || isEngineError(error, 'invalid')) return false;
  throw error;
}

/** Sends the layer as it came, if it was kept. One that the registry finds damaged is given up. */
async function sendKept(
  { content }: GraphState,
  target: PushTarget,
  diffId: Digest,
  candidates: readonly KnownBlob[],
): Promise<PushedBlob | undefined> {
  const sizes = await content.compressed.sizes();
  const blob = candidates.find(({ digest, size }) => sizes.get(digest) === size);
  if (!blob) return undefined;
  const { digest, size } = blob;
  const progress = layerMessages(diffId, target.emit);
  const source: UploadSource = {
    reached: async () => ({ length: size, complete: true }),
    read: (start, end) => createReadStream(content.compressed.pathOf(digest), { start, end: end - 1 }),
    digest: async () => digest,
  };
  try {
    await uploadBlob(target, source, {
      onProgress: (sent) => progress({ status: 'Pushing', current: sent, total: size }),
    });
    return blob;
  } catch (error) {
    if (!isEngineError(error) || error.code !== 'DIGEST_INVALID') throw error;
    await content.compressed.remove([digest]);
    return undefined;
  }
}

async function sendLayer(state: GraphState, target: PushTarget, diffId: Digest): Promise<PushedBlob> {
  const { compression, signal, emit } = target;
  const total = state.layers.info(diffId)!.size;
  const progress = layerMessages(diffId, emit);
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  await using layer = await beginCompression(state, state.pushes.compressors, diffId, { compression, signal: either });
  try {
    const onProgress = (sent: number) => progress({ status: 'Pushing', current: layer.rawBytes(sent), total });
    await uploadBlob(target, layer, { onProgress });
    const { digest, size } = await layer.file;
    return { digest, size, mediaType: `application/vnd.oci.image.layer.v1.tar+${compression}` };
  } catch (error) {
    failed.abort(error); // nobody needs the rest of the blob
    throw error;
  }
}
