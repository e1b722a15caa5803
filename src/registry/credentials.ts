import type { AuthConfig } from '#api/types/registry.ts';

/** Who the engine is to a registry, in one form. */
export interface Credentials {
  username: string;
  password: string;
  /** A refresh token, used instead of the password. */
  identityToken: string;
  /** An access token, sent as it is. */
  registryToken: string;
}

export const ANONYMOUS: Credentials = { username: '', password: '', identityToken: '', registryToken: '' };

/** What the client sent, completed: `auth` is user name and password in one. */
export function credentialsFrom(config: AuthConfig | undefined): Credentials {
  const { username = '', password = '', identitytoken = '', registrytoken = '', auth = '' } = config ?? {};
  const pair = Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '');
  const colon = pair.indexOf(':');
  const named = username === '' && colon > 0;
  return {
    username: named ? pair.slice(0, colon) : username,
    password: named ? pair.slice(colon + 1) : password,
    identityToken: identitytoken,
    registryToken: registrytoken,
  };
}

/** The header of basic authentication, undefined without a user name. */
export function basicHeader({ username, password }: Credentials): string | undefined {
  return username === '' ? undefined : `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
