import type { AuthConfig, AuthResponse } from '#api/types/registry.ts';
import type { Client } from './client.ts';

/** Has the daemon check credentials. Throws a DaemonError `unauthorized` when the registry refuses them. */
export function authenticate(client: Client, auth: AuthConfig): Promise<AuthResponse> {
  return client.json('POST', '/auth', { json: auth });
}
