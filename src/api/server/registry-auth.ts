import type { AuthConfig } from '#api/types/registry.ts';
import { parseReference } from '#lib/reference.ts';
import { domainOf } from '#lib/registry-address.ts';
import type { RequestHead } from './http1/head.ts';

/**
 * What a client knows about itself at the registry of an image: what `X-Registry-Auth` says, else what `X-Registry-Config` says of
 * that registry; both JSON in base64 of either alphabet. What cannot be read counts as absent, as in dockerd.
 */
export function registryAuth({ headers }: Pick<RequestHead, 'headers'>, image = ''): AuthConfig | undefined {
  const one = headers['x-registry-auth'];
  if (one) return textsOf(decoded(one));
  const all = decoded(headers['x-registry-config'] ?? '');
  const registry = registryOf(image);
  const found = Object.entries(all ?? {}).find(([address]) => domainOf(address) === registry);
  return textsOf(found?.[1]);
}

function decoded(header: string): unknown {
  try {
    return JSON.parse(Buffer.from(header, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

function registryOf(image: string): string | undefined {
  try {
    return parseReference(image).domain;
  } catch {
    return undefined; // whoever uses the name says what is wrong with it
  }
}

const FIELDS = ['username', 'password', 'auth', 'serveraddress', 'identitytoken', 'registrytoken'] as const;

function textsOf(value: unknown): AuthConfig | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const from = value as Record<string, unknown>;
  return Object.fromEntries(FIELDS.flatMap((name) => (typeof from[name] === 'string' ? [[name, from[name]]] : [])));
}
