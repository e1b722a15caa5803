import type { AuthConfig } from '#api/types/registry.ts';
import { DEFAULT_DOMAIN, parseReference } from '#lib/reference.ts';
import type { RequestHead } from './http1/head.ts';

/** The names of Docker's own registry. */
const DEFAULT_HOSTS = ['docker.io', 'index.docker.io', 'registry-1.docker.io'];

/**
 * What a client knows about itself at the registry of an image: what `X-Registry-Auth` says, else what `X-Registry-Config` says of
 * that registry; both JSON in base64 of either alphabet. What cannot be read counts as absent, as in dockerd.
 */
export function registryAuth({ headers }: Pick<RequestHead, 'headers'>, image = ''): AuthConfig | undefined {
  const one = headers['x-registry-auth'];
  if (one) return textsOf(decoded(one));
  const all = decoded(headers['x-registry-config'] ?? '');
  const hosts = hostsOf(image);
  const found = Object.entries(all ?? {}).find(([address]) => hosts.includes(hostOf(address)));
  return textsOf(found?.[1]);
}

function decoded(header: string): unknown {
  try {
    return JSON.parse(Buffer.from(header, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

function hostsOf(image: string): readonly string[] {
  try {
    const { domain } = parseReference(image);
    return domain === DEFAULT_DOMAIN ? DEFAULT_HOSTS : [domain];
  } catch {
    return []; // whoever uses the name says what is wrong with it
  }
}

/** `https://host:port/v1/` -> `host:port` */
function hostOf(address: string): string {
  return address.replace(/^https?:\/\//, '').split('/')[0]!;
}

const FIELDS = ['username', 'password', 'auth', 'serveraddress', 'identitytoken', 'registrytoken'] as const;

function textsOf(value: unknown): AuthConfig | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const from = value as Record<string, unknown>;
  return Object.fromEntries(FIELDS.flatMap((name) => (typeof from[name] === 'string' ? [[name, from[name]]] : [])));
}
