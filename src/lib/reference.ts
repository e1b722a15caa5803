import { invalid } from '#errors/errors.ts';

/**
 * A name of an image in a registry, in full: `docker.io` + `library/busybox` + `latest`. Grammar and defaults are those
 * of the distribution project's `reference` package, which all Docker clients share.
 */
export interface Reference {
  /** Registry host with an optional port, `docker.io` by default. */
  domain: string;
  /** Repository below the domain, `library/busybox`. */
  path: string;
  tag?: string;
  /** `sha256:...`; when both are there the digest decides. */
  digest?: string;
}

export const DEFAULT_DOMAIN = 'docker.io';
export const DEFAULT_TAG = 'latest';
const OFFICIAL_PREFIX = 'library/';
/** Of domain and path together, in characters. */
const MAX_NAME_LENGTH = 255;

const DOMAIN_LABEL = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const DOMAIN_PATTERN = new RegExp(`^(?:${DOMAIN_LABEL}(?:\\.${DOMAIN_LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const COMPONENT_PATTERN = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG_PATTERN = /^\w[\w.-]{0,127}$/;
const HEX_ID_PATTERN = /^[a-f0-9]{64}$/;
const DIGEST_LENGTHS: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

/**
 * Reads a reference as people write it (`busybox`, `host:5000/a/b:tag`, `x@sha256:...`) and completes domain and
 * `library/`, but not the tag. Throws `invalid` with the words of Docker's own parser.
 */
export function parseReference(text: string): Reference {
  if (HEX_ID_PATTERN.test(text)) {
    throw invalid(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  }
  const { domain, remainder } = splitDomain(text);
  const at = remainder.indexOf('@');
  const named = at < 0 ? remainder : remainder.slice(0, at);
  const colon = named.indexOf(':');
  const path = colon < 0 ? named : named.slice(0, colon);
  if (path.toLowerCase() !== path) {
    throw invalid(`invalid reference format: repository name (${path}) must be lowercase`);
  }
  const reference: Reference = { domain, path };
  if (colon >= 0) reference.tag = named.slice(colon + 1);
  if (at >= 0) reference.digest = checkDigest(remainder.slice(at + 1));
  const wellFormed =
    DOMAIN_PATTERN.test(domain) &&
    path.split('/').every((component) => COMPONENT_PATTERN.test(component)) &&
    (reference.tag === undefined || TAG_PATTERN.test(reference.tag));
  if (!wellFormed) throw invalid('invalid reference format', { hint: 'expected [HOST[:PORT]/]NAME[:TAG][@DIGEST]' });
  if (domain.length + 1 + path.length > MAX_NAME_LENGTH) {
    throw invalid(`repository name must not be more than ${MAX_NAME_LENGTH} characters`);
  }
  return reference;
}

/** `reference` with another tag and no digest; throws `invalid` for a malformed tag. */
export function withTag(reference: Reference, tag: string): Reference {
  if (!TAG_PATTERN.test(tag)) throw invalid(`invalid tag format: '${tag.slice(0, 140)}'`);
  return { domain: reference.domain, path: reference.path, tag };
}

/** `reference`, with the tag `latest` when it has neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: DEFAULT_TAG } : reference;
}

/** Domain and path, `docker.io/library/busybox`: what tells repositories apart. */
export function repositoryOf(reference: Reference): string {
  return `${reference.domain}/${reference.path}`;
}

/** The whole reference, nothing left out: `docker.io/library/busybox:latest`. */
export function formatReference(reference: Reference): string {
  return repositoryOf(reference) + suffix(reference);
}

/** The repository as people write it: without `docker.io/` and `library/`, unless it would be read as another one then. */
export function familiarName(reference: Reference): string {
  const full = repositoryOf(reference);
  if (reference.domain !== DEFAULT_DOMAIN) return full;
  const { path } = reference;
  const isOfficial = path.startsWith(OFFICIAL_PREFIX) && !path.slice(OFFICIAL_PREFIX.length).includes('/');
  const short = isOfficial ? path.slice(OFFICIAL_PREFIX.length) : path;
  const { domain, remainder } = splitDomain(short);
  return domain === DEFAULT_DOMAIN && remainder === path ? short : full;
}

/** The reference as people write it, tag or digest included: `busybox:latest`. */
export function familiarReference(reference: Reference): string {
  return familiarName(reference) + suffix(reference);
}

function suffix({ tag, digest }: Reference): string {
  return (tag === undefined ? '' : `:${tag}`) + (digest === undefined ? '' : `@${digest}`);
}

/** The first part is a registry only when it looks like a host: has a dot, a port, a capital, or is `localhost`. */
function splitDomain(text: string): { domain: string; remainder: string } {
  const slash = text.indexOf('/');
  const first = text.slice(0, Math.max(slash, 0));
  const isHost = slash >= 0 && (/[.:]/.test(first) || first === 'localhost' || first.toLowerCase() !== first);
  const domain = !isHost || first === 'index.docker.io' ? DEFAULT_DOMAIN : first;
  const remainder = isHost ? text.slice(slash + 1) : text;
  const official = domain === DEFAULT_DOMAIN && !remainder.includes('/') && remainder !== '';
  return { domain, remainder: official ? OFFICIAL_PREFIX + remainder : remainder };
}

function checkDigest(text: string): string {
  const [algorithm = '', hex = '', ...rest] = text.split(':');
  if (rest.length > 0 || !/^[a-z0-9]+$/i.test(algorithm) || !/^[0-9a-f]{32,}$/i.test(hex)) {
    throw invalid('invalid reference format', { hint: 'after @ comes a digest such as sha256: and 64 hex digits' });
  }
  const length = DIGEST_LENGTHS[algorithm];
  if (length === undefined) throw invalid('unsupported digest algorithm');
  if (hex.length !== length || hex.toLowerCase() !== hex) throw invalid('invalid checksum digest length');
  return text;
}
