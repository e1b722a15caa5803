import { invalid } from '#errors/errors.ts';
import { DEFAULT_DOMAIN } from '#lib/reference.ts';
import { isInBlock, isLoopback, splitHost } from './addresses.ts';
import type { RegistrySettings } from './settings.ts';

/** Where a registry is reached. */
export interface Endpoint {
  /** `host` or `host:port` as written: names the folder of its certificates. */
  host: string;
  /** Origins to try, the best first: `https://host`, for insecure ones `http://host` after it, on the loopback before it. */
  origins: readonly string[];
  /** Path before `/v2/`, '' for most. */
  prefix: string;
  /** Its certificate is not checked. */
  insecure: boolean;
  /** Stands in for the domain: gets no credentials, and its failure is not the last word. */
  mirror: boolean;
}

/** Docker Hub's API lives on another host than its name says. */
const HUB = 'registry-1.docker.io';

/** The registry of a domain itself, without mirrors: where pushes go. */
export function originOf(domain: string, settings: Pick<RegistrySettings, 'insecureRegistries'>): Endpoint {
  const host = domain === DEFAULT_DOMAIN ? HUB : domain;
  const insecure = isInsecure(host, settings.insecureRegistries);
  const origins = insecure ? [`https://${host}`, `http://${host}`] : [`https://${host}`];
  // Within the machine nobody listens in, and a try with TLS costs 10 MB.
  if (isLoopback(splitHost(host).host)) origins.reverse();
  return { host, origins, prefix: '', insecure, mirror: false };
}

/** Where to pull from, in order: the domain's mirrors, then the registry itself. */
export function pullEndpoints(domain: string, settings: RegistrySettings): Endpoint[] {
  const mirrors = (settings.mirrors.get(domain) ?? []).map((url) => mirrorAt(url, settings));
  return [...mirrors, originOf(domain, settings)];
}

/** Loopback is always insecure; the rest by `--insecure-registry`. Names are not resolved. */
export function isInsecure(domain: string, insecureRegistries: readonly string[]): boolean {
  const { host } = splitHost(domain);
  if (isLoopback(host)) return true;
  return insecureRegistries.some((entry) => entry === domain || entry === host || isInBlock(host, entry));
}

/**
 * Reads `--registry-mirror`: a base URL stands for docker.io, `DOMAIN=URL` for another registry. Throws `invalid` for what
 * is no such URL.
 */
export function parseMirrors(values: readonly string[]): Map<string, string[]> {
  const mirrors = new Map<string, string[]>();
  for (const value of values) {
    const [, domain = DEFAULT_DOMAIN, text = ''] = /^(?:([^=/]+)=)?(.*)$/s.exec(value)!;
    mirrors.set(domain, [...(mirrors.get(domain) ?? []), checkMirror(text)]);
  }
  return mirrors;
}

function checkMirror(text: string): string {
  const url = URL.parse(text);
  const wrong = (why: string) =>
    invalid(`invalid mirror: ${why}: "${text}"`, { hint: 'Write [DOMAIN=]https://HOST[:PORT].' });
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) throw wrong('it is no HTTP or HTTPS URL');
  if (url.username || url.password) throw wrong('it holds a user name or a password');
  if (url.search || url.hash) throw wrong('it has a query or a fragment');
  return url.href;
}

function mirrorAt(text: string, settings: RegistrySettings): Endpoint {
  const { host, origin, pathname, protocol } = new URL(text);
  const insecure = protocol === 'http:' || isInsecure(host, settings.insecureRegistries);
  return { host, origins: [origin], prefix: pathname.replace(/\/+$/, ''), insecure, mirror: true };
}
