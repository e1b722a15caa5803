import type { OciPlatform, ProgressMessage } from '#api/types/image.ts';
import { cancelled, isEngineError } from '#errors/errors.ts';
import { makeImage } from '#image/image.ts';
import type { Descriptor } from '#image/manifest.ts';
import { formatPlatform, HOST_PLATFORM, platformMatches } from '#image/platform.ts';
import { type Digest, digestOf, shortId } from '#lib/digest.ts';
import { familiarName, familiarReference, type Reference, withTag } from '#lib/reference.ts';
import type { Session } from '#registry/session.ts';
import { registerImages } from '../register.ts';
import type { GraphState } from '../state.ts';
import { layerMessages } from '../transfer-progress.ts';
import { explainPull, refuseReserved } from './pull-errors.ts';
import { findRemoteImage, listRemoteTags, type RemoteImage } from './remote-image.ts';

export interface PullRequest {
  /** With tag or digest: one image. With neither: all tags of the repository. */
  reference: Reference;
  /** Default: this machine's, where there is a choice. */
  platform?: OciPlatform;
  /** Where to pull from, the best first. */
  sessions: readonly Session[];
}

type Emit = (message: ProgressMessage) => void;

/** One pull, for the functions below. */
interface Pull {
  state: GraphState;
  platform: OciPlatform | undefined;
  session: Session;
  emit: Emit;
  signal: AbortSignal;
}

/**
 * Pulls an image, or all of a repository's, from the first place that has it. Layers come side by side, shared with other
 * pulls; an image becomes known when all of its layers are mountable. Progress goes to `emit`, in Docker's words. Throws
 * `not-found` and `invalid` for what is no image, as `Session.request` does, and `cancelled` when `signal` fires: what was
 * downloaded by then is used by the next pull.
 */
export async function pullImages(
  state: GraphState,
  { reference, platform, sessions }: PullRequest,
  emit: Emit,
  signal: AbortSignal,
): Promise<void> {
  refuseReserved(reference);
  for (const [at, session] of sessions.entries()) {
    try {
      return await pullFrom({ state, platform, session, emit, signal }, reference);
    } catch (error) {
      if (signal.aborted) throw cancelled('the pull was cancelled', { cause: error });
      if (at === sessions.length - 1) throw explainPull(error, reference);
      if (!isEngineError(error)) throw error;
      state.warn(
        `cannot pull ${familiarReference(reference)} from the mirror ${session.endpoint.host}: ${error.message}`,
      );
    }
  }
}

async function pullFrom(pull: Pull, reference: Reference): Promise<void> {
  const { session, emit, signal } = pull;
  const isOne = reference.tag !== undefined || reference.digest !== undefined;
  const wanted = isOne
    ? [reference]
    : (await listRemoteTags(session, reference.path, signal)).map((tag) => withTag(reference, tag));
  let isNew = false;
  for (const one of wanted) isNew = (await pullOne(pull, one)) || isNew;
  const news = isNew ? 'Downloaded newer image for' : 'Image is up to date for';
  emit({ status: `Status: ${news} ${familiarReference(reference)}` });
}

/** Gives whether the reference means another image than before. */
async function pullOne(pull: Pull, reference: Reference): Promise<boolean> {
  const { state, platform, session, emit, signal } = pull;
  const target = reference.digest ?? reference.tag!;
  const image = await findRemoteImage({
    session,
    repository: reference.path,
    target,
    platform: platform ?? HOST_PLATFORM,
    signal,
    known: async (id) => (state.images.has(id) ? state.content.read(id) : undefined),
  });
  emit({ status: `Pulling from ${reference.path}`, id: target });
  const isNew = await bringImage(pull, reference, image);
  warnOfPlatform(pull, reference, image);
  return isNew;
}

async function bringImage(pull: Pull, reference: Reference, image: RemoteImage): Promise<boolean> {
  const { state, emit, signal } = pull;
  const { diffIds } = image.parsed;
  for (const diffId of diffIds) state.layers.pin(diffId);
  try {
    const brought = await bringLayers(pull, reference.path, image);
    if (signal.aborted) throw cancelled('the pull was cancelled');
    const digest = image.manifests[0]!.digest;
    const isNew = await keepImage(state, reference, image, brought);
    await state.transfers.finish(brought.map((layer) => layer.digest));
    emit({ status: `Digest: ${digest}` });
    return isNew;
  } finally {
    await state.layers.unpin(diffIds);
  }
}

interface BroughtLayer extends Descriptor {
  diffId: Digest;
}

/** Makes all layers mountable; gives those that were not here. When one cannot be had, the others stop. */
async function bringLayers(pull: Pull, repository: string, { manifest, parsed }: RemoteImage): Promise<BroughtLayer[]> {
  const { state, session, emit } = pull;
  const all = manifest.layers.map((layer, at) => ({ ...layer, diffId: parsed.diffIds[at]! }));
  const layers = [...new Map(all.map((layer) => [layer.digest, layer])).values()];
  const missing = layers.filter(({ diffId }) => !state.layers.info(diffId));
  for (const { digest, diffId } of layers) {
    const isHere = state.layers.info(diffId) !== undefined;
    emit({ status: isHere ? 'Already exists' : 'Pulling fs layer', progressDetail: {}, id: shortId(digest) });
  }
  const failed = new AbortController();
  const signal = AbortSignal.any([pull.signal, failed.signal]);
  const bringing = missing.map(async ({ digest, size, diffId }) => {
    try {
      const source = { session, repository, digest, size };
      await state.transfers.bring(source, diffId, { onProgress: layerMessages(digest, emit), signal });
      emit({ status: 'Pull complete', progressDetail: {}, id: shortId(digest) });
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  });
  await Promise.allSettled(bringing);
  if (failed.signal.aborted) throw failed.signal.reason;
  return missing;
}

/** Makes the image known under the reference and its digest. Gives whether the reference means another image now. */
async function keepImage(
  state: GraphState,
  reference: Reference,
  { config, manifests }: RemoteImage,
  sources: readonly BroughtLayer[],
): Promise<boolean> {
  const { domain, path } = reference;
  const byDigest: Reference = { domain, path, digest: manifests[0]!.digest };
  const image = makeImage(digestOf(config), config, state.layers.nameAndSize);
  return state.changes.run(async () => {
    const named = reference.digest === undefined ? reference : byDigest;
    const isNew = state.references.imageOf(named) !== image.id;
    await state.content.write(config, ...manifests.map(({ bytes }) => bytes));
    const added = {
      image,
      references: reference.digest === undefined ? [reference, byDigest] : [byDigest],
      manifests: manifests.map(({ digest, mediaType, bytes }) => ({ digest, mediaType, size: bytes.length })),
      sources,
      repository: `${domain}/${path}`,
    };
    await registerImages(state, [added]);
    const labels = image.config?.Labels ?? {};
    state.onEvent({ action: 'pull', imageId: familiarReference(named), name: familiarName(reference), labels });
    return isNew;
  });
}

/** A manifest that is no list has one platform only: who asked for another one is told. */
function warnOfPlatform({ platform, emit }: Pull, reference: Reference, { parsed }: RemoteImage): void {
  const { os, architecture, variant } = parsed;
  const actual = { os, architecture, ...(variant && { variant }) };
  if (!platform || platformMatches(platform, actual)) return;
  emit({
    status:
      `WARNING: image with reference ${familiarReference(reference)} was found but does not match the specified ` +
      `platform: wanted ${formatPlatform(platform)}, actual: ${formatPlatform(actual)}`,
  });
}
