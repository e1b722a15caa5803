import type { AuthConfig, AuthResponse } from '#api/types/registry.ts';
import { invalid } from '#errors/errors.ts';
import { DEFAULT_DOMAIN } from '#lib/reference.ts';
import type { Engine } from '../engine.ts';

/** `POST /auth`: whether the registry takes these credentials. Throws `unauthorized`, and as `Session.request` does. */
export async function authenticate(
  { registry }: Pick<Engine, 'registry'>,
  auth: AuthConfig,
  signal: AbortSignal,
): Promise<AuthResponse> {
  const domain = domainOf(auth.serveraddress ?? '');
  const IdentityToken = await registry.session(domain, auth).login(signal);
  return { Status: 'Login Succeeded', IdentityToken };
}

/** `https://index.docker.io/v1/` -> `docker.io`, `http://host:5000/v2/` -> `host:5000`. */
function domainOf(address: string): string {
  const host = address.replace(/^https?:\/\//, '').split('/')[0]!;
  if (host === '' || host === 'docker.io' || host === 'index.docker.io') return DEFAULT_DOMAIN;
  if (/[\s@]/.test(host) || !URL.canParse(`https://${host}`)) {
    throw invalid(`invalid server address "${address}"`, { hint: 'Give HOST or HOST:PORT.' });
  }
  return host;
}
