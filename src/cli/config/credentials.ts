import type { AuthConfig } from '#api/types/registry.ts';
import { hostOf } from '#lib/registry-address.ts';
import { type ClientConfig, changeConfig, readConfig, type StoredAuth } from './config-file.ts';
import { type CredentialHelper, credentialHelper } from './credential-helper.ts';

/** Where the client's files are and what its programs see. */
export interface CredentialPlace {
  configFolder: string;
  env: Record<string, string | undefined>;
}

/** The credentials for a registry (`registryKeyOf`), undefined when there are none. Throws CommandError. */
export async function findCredentials(place: CredentialPlace, key: string): Promise<AuthConfig | undefined> {
  const config = await readConfig(place.configFolder);
  const helper = helperFor(config, key, place.env);
  if (helper) return helper.get(key);
  const auths = config.auths ?? {};
  const name = key in auths ? key : Object.keys(auths).find((other) => hostOf(other) === key);
  return name === undefined ? undefined : { ...decode(auths[name]!), serveraddress: name };
}

/** Keeps credentials. True when they lie in the file, unencrypted. */
export async function keepCredentials(place: CredentialPlace, key: string, auth: AuthConfig): Promise<boolean> {
  const helper = helperFor(await readConfig(place.configFolder), key, place.env);
  if (helper) {
    await helper.store(key, auth);
    await changeConfig(place.configFolder, (config) => ({ ...config, auths: { ...config.auths, [key]: {} } }));
    return false;
  }
  const stored = encode(auth);
  await changeConfig(place.configFolder, (config) => ({ ...config, auths: { ...config.auths, [key]: stored } }));
  return true;
}

/** Forgets the credentials of these names. */
export async function eraseCredentials(place: CredentialPlace, keys: readonly string[]): Promise<void> {
  const config = await readConfig(place.configFolder);
  for (const key of keys) await helperFor(config, key, place.env)?.erase(key);
  if (!keys.some((key) => config.auths && key in config.auths)) return;
  await changeConfig(place.configFolder, (now) => {
    const left = Object.entries(now.auths ?? {}).filter(([name]) => !keys.includes(name));
    return { ...now, auths: Object.fromEntries(left) };
  });
}

function helperFor(
  { credHelpers, credsStore }: ClientConfig,
  key: string,
  env: CredentialPlace['env'],
): CredentialHelper | undefined {
  const name = credHelpers?.[key] ?? credsStore;
  return name ? credentialHelper(name, env) : undefined;
}

function decode({ auth = '', ...tokens }: StoredAuth): AuthConfig {
  const pair = Buffer.from(auth, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  if (colon < 0) return tokens;
  return { username: pair.slice(0, colon), password: pair.slice(colon + 1).replace(/\0+$/, ''), ...tokens };
}

function encode({ username = '', password = '', identitytoken, registrytoken }: AuthConfig): StoredAuth {
  const pair =
    username === '' && password === '' ? undefined : Buffer.from(`${username}:${password}`).toString('base64');
  return {
    ...(pair && { auth: pair }),
    ...(identitytoken && { identitytoken }),
    ...(registrytoken && { registrytoken }),
  };
}
