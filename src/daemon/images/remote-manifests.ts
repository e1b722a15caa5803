import type { AuthConfig, DistributionPut } from '#api/types/registry.ts';
import { invalid, notFound } from '#errors/errors.ts';
import { fetchManifest, type RemoteManifest } from '#graph/pull/remote-image.ts';
import { parseManifest } from '#image/manifest.ts';
import { digestOf } from '#lib/digest.ts';
import { parseReference, repositoryOf, withDefaultTag } from '#lib/reference.ts';
import { type BlobTarget, hasBlob, mountBlob } from '#registry/blob-upload.ts';
import { putManifest } from '#registry/manifest-upload.ts';
import { repositoryScope } from '#registry/scopes.ts';
import type { Engine } from '../engine.ts';

type Registries = Pick<Engine, 'registry'>;

/** `GET /distribution/{name}/manifest`: a manifest or index as the registry has it. */
export async function readRemoteManifest(
  { registry }: Registries,
  image: string,
  auth: AuthConfig | undefined,
  signal: AbortSignal,
): Promise<RemoteManifest> {
  const { domain, path, tag, digest } = withDefaultTag(parseReference(image));
  const session = registry.session(domain, auth, [repositoryScope(path, 'pull')]);
  return fetchManifest({ session, repository: path, signal }, digest ?? tag!);
}

export interface PutManifestRequest {
  /** Where it goes: a tag, or its own digest. */
  image: string;
  /** The repository of the same registry that has its blobs; empty = that of `image`. */
  from: string;
  mediaType: string;
  bytes: Buffer;
  auth?: AuthConfig;
}

/**
 * `POST /distribution/{name}/manifest`: puts a manifest or index to a registry, after mounting from `from` the blobs that
 * the repository lacks. Throws `invalid` for what is no manifest or has another digest, and as `Session.request` does.
 */
export async function putRemoteManifest(
  { registry }: Registries,
  { image, from, mediaType, bytes, auth }: PutManifestRequest,
  signal: AbortSignal,
): Promise<DistributionPut> {
  const reference = withDefaultTag(parseReference(image));
  const { domain, path, tag, digest: named } = reference;
  const digest = digestOf(bytes);
  if (named !== undefined && named !== digest) throw invalid(`the manifest has the digest ${digest}, not ${named}`);
  const manifest = parseManifest(bytes, 'the manifest');
  const session = registry.session(domain, auth, [repositoryScope(path, 'pull', 'push')]);
  const target: BlobTarget = { session, repository: path, signal };
  if (manifest.kind === 'manifest' && from !== '') {
    const source = parseReference(from);
    if (source.domain !== domain) {
      throw invalid(
        `cannot use source images from a different registry than the target image: ${source.domain} != ${domain}`,
      );
    }
    const blobs = [manifest.config, ...manifest.layers].map((blob) => blob.digest);
    for (const blob of new Set(blobs)) {
      if (await hasBlob(target, blob)) continue;
      session.addScope(repositoryScope(source.path, 'pull'));
      if (await mountBlob(target, blob, source.path)) continue;
      throw notFound(`the registry cannot mount ${blob} from ${repositoryOf(source)} to ${repositoryOf(reference)}`);
    }
  }
  await putManifest(target, named ?? tag!, { mediaType, bytes });
  return { Digest: digest, Size: bytes.length };
}
