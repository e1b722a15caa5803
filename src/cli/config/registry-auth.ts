import type { AuthConfig } from '#api/types/registry.ts';
import { type CredentialPlace, findCredentials } from './credentials.ts';
import { registryKeyOf } from './registry-key.ts';

/** The value of `X-Registry-Auth` for an image, undefined without credentials for its registry. */
export async function registryAuthFor(place: CredentialPlace, image: string): Promise<string | undefined> {
  const auth = await findCredentials(place, registryKeyOf(image));
  return auth && encodeAuth(auth);
}

/** Base64 for URLs, with padding, as Go writes it. */
export function encodeAuth(auth: AuthConfig): string {
  return Buffer.from(JSON.stringify(auth)).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}
