import type { OciPlatform } from '#api/types/image.ts';
import type { DistributionInspect } from '#api/types/registry.ts';
import { parseImageConfig } from '#image/config.ts';
import { isAttestation, isImageManifest, parseManifest } from '#image/manifest.ts';
import { fetchConfig, fetchManifest, type RemoteRepository } from './remote-image.ts';

/**
 * What a registry has under a tag or digest, without its layers: the descriptor and the platforms. Throws `invalid` for
 * what is no manifest, and as `Session.request` does.
 */
export async function inspectRemote(from: RemoteRepository, target: string): Promise<DistributionInspect> {
  const { digest, mediaType, bytes } = await fetchManifest(from, target);
  const Descriptor = { mediaType, digest, size: bytes.length };
  const manifest = parseManifest(bytes, `manifest ${digest}`);
  if (manifest.kind === 'index') {
    const entries = manifest.manifests.filter((entry) => !isAttestation(entry));
    return { Descriptor, Platforms: entries.flatMap(({ platform }) => platform ?? []) };
  }
  if (!isImageManifest(manifest)) return { Descriptor, Platforms: [] };
  const { os, architecture, variant } = parseImageConfig(await fetchConfig(from, manifest.config.digest));
  const platform: OciPlatform = { architecture, os, ...(variant && { variant }) };
  return { Descriptor, Platforms: [platform] };
}
