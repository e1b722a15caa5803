import { CommandError } from '../errors.ts';
import { isPlatform } from './platforms.ts';
import type { StoredManifest } from './stored-manifest.ts';

const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';
const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

export interface ManifestList {
  mediaType: string;
  bytes: Buffer;
}

/**
 * The list of these manifests, of the kind of the first, with the line breaks that docker's client makes, so that both give
 * the same digest. Throws CommandError for one whose platform is none.
 */
export function listOf(manifests: readonly StoredManifest[]): ManifestList {
  const entries = manifests.map(({ Ref, Descriptor }) => {
    const { mediaType, size, digest, platform } = Descriptor;
    if (!platform || !isPlatform(platform)) {
      const pair = `${platform?.os ?? ''}/${platform?.architecture ?? ''}`;
      throw new CommandError(`manifest ${Ref} must have an OS and Architecture to be pushed to a registry: ${pair}`);
    }
    return { mediaType, size, digest, platform: ordered(platform) };
  });
  const mediaType = manifests[0]?.Descriptor.mediaType === OCI_MANIFEST ? OCI_INDEX : DOCKER_LIST;
  const list = { schemaVersion: 2, mediaType, manifests: entries };
  return { mediaType, bytes: Buffer.from(JSON.stringify(list, undefined, 3)) };
}

function ordered(platform: NonNullable<StoredManifest['Descriptor']['platform']>) {
  const { architecture, os, variant } = platform;
  const version = platform['os.version'];
  const features = platform['os.features'];
  return {
    architecture,
    os,
    ...(version && { 'os.version': version }),
    ...(features?.length && { 'os.features': features }),
    ...(variant && { variant }),
  };
}
