import type { AuthConfig, AuthResponse, DistributionInspect, DistributionPut } from '#api/types/registry.ts';
import type { Client } from './client.ts';
import { pathOf } from './images.ts';

/** Has the daemon check credentials. Throws a DaemonError `unauthorized` when the registry refuses them. */
export function authenticate(client: Client, auth: AuthConfig): Promise<AuthResponse> {
  return client.json('POST', '/auth', { json: auth });
}

const headersFor = (auth: string | undefined): Record<string, string> => (auth ? { 'X-Registry-Auth': auth } : {});
const distribution = (image: string) => pathOf(image).replace(/^\/images/, '/distribution');

/** What an image's registry says of it; `auth` as for a pull. */
export function inspectDistribution(client: Client, image: string, auth?: string): Promise<DistributionInspect> {
  return client.json('GET', `${distribution(image)}/json`, { headers: headersFor(auth) });
}

/** A manifest or index, byte for byte as its registry has it. */
export async function remoteManifest(client: Client, image: string, auth?: string): Promise<Buffer> {
  const response = await client.request('GET', `${distribution(image)}/manifest`, { headers: headersFor(auth) });
  const pieces: Buffer[] = [];
  for await (const piece of response.body) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Puts a manifest to its registry, with blobs from another repository there. */
export function putRemoteManifest(
  client: Client,
  image: string,
  { mediaType, bytes, from = '' }: { mediaType: string; bytes: Buffer; from?: string },
  auth?: string,
): Promise<DistributionPut> {
  return client.json('POST', `${distribution(image)}/manifest`, {
    query: { from: from || undefined },
    headers: { ...headersFor(auth), 'Content-Type': mediaType },
    body: bytes,
  });
}
