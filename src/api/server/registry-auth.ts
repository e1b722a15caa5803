import type { AuthConfig } from '#api/types/registry.ts';
import type { RequestHead } from './http1/head.ts';

/** What `X-Registry-Auth` says, JSON in base64 of either alphabet. What cannot be read counts as absent, as in dockerd. */
export function registryAuth({ headers }: Pick<RequestHead, 'headers'>): AuthConfig | undefined {
  const header = headers['x-registry-auth'];
  if (header === undefined || header === '') return undefined;
  try {
    return textsOf(JSON.parse(Buffer.from(header, 'base64url').toString('utf8')));
  } catch {
    return undefined;
  }
}

const FIELDS = ['username', 'password', 'auth', 'serveraddress', 'identitytoken', 'registrytoken'] as const;

function textsOf(value: unknown): AuthConfig | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const from = value as Record<string, unknown>;
  return Object.fromEntries(FIELDS.flatMap((name) => (typeof from[name] === 'string' ? [[name, from[name]]] : [])));
}
