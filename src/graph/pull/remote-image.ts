import type { OciPlatform } from '#api/types/image.ts';
import { invalid, notFound } from '#errors/errors.ts';
import { type ParsedConfig, parseImageConfig } from '#image/config.ts';
import {
  type Descriptor,
  type Index,
  isAttestation,
  isImageManifest,
  MANIFEST_TYPES,
  type Manifest,
  MEDIA_TYPES,
  parseManifest,
} from '#image/manifest.ts';
import { formatPlatform, platformMatches } from '#image/platform.ts';
import { type Digest, digestOf, isDigest } from '#lib/digest.ts';
import type { Session } from '#registry/session.ts';

/** An image as a registry has it. */
export interface RemoteImage {
  /** What the reference leads to, and from there to the manifest: one or more. */
  manifests: readonly RemoteManifest[];
  manifest: Manifest;
  /** Its digest is the image's id. */
  config: Buffer;
  parsed: ParsedConfig;
}

export interface RemoteManifest {
  digest: Digest;
  mediaType: string;
  bytes: Buffer;
}

/** A repository at a registry. */
export interface RemoteRepository {
  session: Session;
  /** Path of the repository below the registry's domain. */
  repository: string;
  signal: AbortSignal;
}

export interface RemoteReference extends RemoteRepository {
  /** A tag or a digest. */
  target: string;
  platform: OciPlatform;
  /** A config that is here already. */
  known(id: Digest): Promise<Buffer | undefined>;
}

/** Bytes, as dockerd limits them. */
const MAX_MANIFEST = 4 << 20;
const MAX_CONFIG = 8 << 20;
/** How deep indexes may lie in each other. */
const MAX_DEPTH = 4;

const SCHEMA_1 = 'application/vnd.docker.distribution.manifest.v1';

/**
 * Finds the image that a reference means for a platform: its manifests and its config, all verified. Throws `invalid` for
 * what is no image (schema 1 and artifacts included), `not-found` when there is none for the platform, and as
 * `Session.request` does.
 */
export async function findRemoteImage(from: RemoteReference): Promise<RemoteImage> {
  const manifests: RemoteManifest[] = [];
  let target = from.target;
  for (;;) {
    const fetched = await fetchManifest(from, target);
    manifests.push(fetched);
    const parsed = parseManifest(fetched.bytes, `manifest ${fetched.digest}`);
    if (parsed.kind === 'manifest') return completeImage(from, parsed, manifests);
    if (manifests.length > MAX_DEPTH) throw invalid(`${from.target} leads more than ${MAX_DEPTH} indexes deep`);
    target = chooseManifest(parsed, from.platform).digest;
  }
}

/** The manifest under a tag or a digest, verified. Throws `invalid` for one of schema 1, and as `Session.request` does. */
export async function fetchManifest(from: RemoteRepository, target: string): Promise<RemoteManifest> {
  const { session, repository, signal } = from;
  const reply = await session.request({
    method: 'GET',
    url: `/v2/${repository}/manifests/${target}`,
    headers: { Accept: MANIFEST_TYPES.join(', ') },
    signal,
  });
  const type = (reply.headers['content-type'] ?? '').split(';')[0]!.trim();
  if (type.startsWith(SCHEMA_1)) {
    reply.discard();
    throw refuseSchema1(repository, target);
  }
  const bytes = await reply.bytes(MAX_MANIFEST);
  const digest = digestOf(bytes);
  const promised = target.includes(':') ? target : reply.headers['docker-content-digest'];
  if (isDigest(promised) && promised !== digest) {
    throw invalid(`manifest verification failed for digest ${promised}`, { code: 'DIGEST_MISMATCH' });
  }
  return { digest, mediaType: type || MEDIA_TYPES.ociManifest, bytes };
}

function refuseSchema1(repository: string, target: string): Error {
  return invalid(`${repository}:${target} is of Docker Image manifest version 2, schema 1, which is not supported`, {
    code: 'SCHEMA_1',
    hint: 'ask its author to publish it as schema 2 or in the OCI format',
  });
}

/** The entry for the platform; of several the first whose variant is the plain one. */
function chooseManifest({ manifests }: Index, platform: OciPlatform): Descriptor {
  const offered = manifests.filter((entry) => !isAttestation(entry));
  const matching = offered.filter((entry) => !entry.platform || platformMatches(platform, entry.platform));
  const exact = matching.find((entry) => entry.platform && (entry.platform.variant ?? '') === (platform.variant ?? ''));
  const chosen = exact ?? matching.find((entry) => entry.platform) ?? matching[0];
  if (chosen) return chosen;
  throw notFound(`no matching manifest for ${formatPlatform(platform)} in the manifest list entries`, {
    code: 'NO_PLATFORM',
  });
}

async function completeImage(
  from: RemoteReference,
  manifest: Manifest,
  manifests: readonly RemoteManifest[],
): Promise<RemoteImage> {
  const { mediaType, digest, size } = manifest.config;
  if (!isImageManifest(manifest)) throw invalid(`Encountered remote "${mediaType}" when fetching: it is no image`);
  if (size > MAX_CONFIG) throw invalid(`the config ${digest} has more than ${MAX_CONFIG} bytes`);
  const config = (await from.known(digest)) ?? (await fetchConfig(from, digest));
  const parsed = parseImageConfig(config);
  if (parsed.os !== '' && parsed.os !== 'linux') {
    throw invalid(`image operating system "${parsed.os}" cannot be used on this platform`);
  }
  if (parsed.diffIds.length !== manifest.layers.length) {
    throw invalid(
      `layers from manifest don't match image configuration: ${manifest.layers.length} and ${parsed.diffIds.length}`,
      { code: 'IMAGE_INVALID' },
    );
  }
  return { manifests, manifest, config, parsed };
}

/** A config, verified. */
export async function fetchConfig({ session, repository, signal }: RemoteRepository, digest: Digest): Promise<Buffer> {
  const url = `/v2/${repository}/blobs/${digest}`;
  const bytes = await (await session.request({ method: 'GET', url, signal })).bytes(MAX_CONFIG);
  if (digestOf(bytes) === digest) return bytes;
  throw invalid(`image config verification failed for digest ${digest}`, { code: 'DIGEST_MISMATCH' });
}

/** All tags of a repository. Throws `invalid` for a reply that is none, and as `Session.request` does. */
export async function listRemoteTags(session: Session, repository: string, signal: AbortSignal): Promise<string[]> {
  const tags: string[] = [];
  const seen = new Set<string>();
  for (let url: string | URL = `/v2/${repository}/tags/list`; ; ) {
    const reply = await session.request({ method: 'GET', url, signal });
    tags.push(...readTags(await reply.bytes(MAX_MANIFEST), reply.title));
    const next = /^<([^>]+)>;\s*rel="?next"?/.exec(String(reply.headers.link ?? ''));
    if (!next) return tags;
    url = session.resolve(next[1]!, reply);
    if (seen.has(url.href) || seen.size >= MAX_PAGES) throw invalid(`${reply.title}: the list of tags has no end`);
    seen.add(url.href);
  }
}

/** Pages of tags; a page has at least a hundred of them with most registries. */
const MAX_PAGES = 1000;

function readTags(bytes: Buffer, title: string): string[] {
  let tags: unknown;
  try {
    tags = (JSON.parse(bytes.toString('utf8')) as { tags?: unknown } | null)?.tags ?? [];
  } catch (cause) {
    throw invalid(`${title}: the list of tags is not JSON`, { cause });
  }
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string')) return tags;
  throw invalid(`${title}: the list of tags is malformed`);
}
