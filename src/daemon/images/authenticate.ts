import type { AuthConfig, AuthResponse } from '#api/types/registry.ts';
import { invalid } from '#errors/errors.ts';
import { DEFAULT_DOMAIN } from '#lib/reference.ts';
import { domainOf } from '#lib/registry-address.ts';
import type { Engine } from '../engine.ts';

/** `POST /auth`: whether the registry takes these credentials. Throws `unauthorized`, and as `Session.request` does. */
export async function authenticate(
  { registry }: Pick<Engine, 'registry'>,
  auth: AuthConfig,
  signal: AbortSignal,
): Promise<AuthResponse> {
  const domain = registryOf(auth.serveraddress ?? '');
  const IdentityToken = await registry.session(domain, auth).login(signal);
  return { Status: 'Login Succeeded', IdentityToken };
}

function registryOf(address: string): string {
  const host = domainOf(address) || DEFAULT_DOMAIN;
  if (/[\s@]/.test(host) || !URL.canParse(`https://${host}`)) {
    throw invalid(`invalid server address "${address}"`, { hint: 'Give HOST or HOST:PORT.' });
  }
  return host;
}
