import { createHash } from 'node:crypto';
import { invalid } from '#errors/errors.ts';

/** A content digest, always `sha256:` and 64 lower-case hex digits. */
export type Digest = `sha256:${string}`;

const DIGEST_PATTERN = /^sha256:[0-9a-f]{64}$/;

export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && DIGEST_PATTERN.test(text);
}

/** `text` as a digest; throws `invalid` with `what` (for example "layer 3 of the manifest") when it is none. */
export function parseDigest(text: unknown, what: string): Digest {
  if (isDigest(text)) return text;
  throw invalid(`${what}: '${String(text).slice(0, 100)}' is not a sha256 digest`, { code: 'DIGEST_INVALID' });
}

/** The digest of bytes at hand. For small things: it blocks in proportion to their length. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** The 64 hex digits of a digest. */
export function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length);
}

/** The first 12 hex digits of an id, with or without `sha256:`, as people read them. */
export function shortId(id: string): string {
  return id.slice(id.indexOf(':') + 1).slice(0, 12);
}

/**
 * The chainID of a layer that stands on the chain `below`, '' = on nothing: the diffID itself, or the digest of
 * "<chainID below> <diffID>" (OCI Image Spec, config.md, "Layer ChainID").
 */
export function chainIdOver(below: Digest | '', diffId: Digest): Digest {
  return below === '' ? diffId : digestOf(`${below} ${diffId}`);
}

/** The chainID of every prefix of `diffIds` (bottom first). */
export function chainIds(diffIds: readonly Digest[]): Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) chain.push(chainIdOver(chain.at(-1) ?? '', diffId));
  return chain;
}
