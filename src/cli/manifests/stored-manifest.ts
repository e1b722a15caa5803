import type { Client } from '#api/client/client.ts';
import { inspectDistribution, remoteManifest } from '#api/client/registry.ts';
import { isEngineError } from '#errors/errors.ts';
import { formatReference, parseReference, withDefaultTag } from '#lib/reference.ts';
import type { Context } from '../command.ts';
import { registryAuthFor } from '../config/registry-auth.ts';
import { CommandError } from '../errors.ts';

export interface ManifestPlatform {
  architecture: string;
  os: string;
  'os.version'?: string;
  'os.features'?: string[];
  variant?: string;
}

/** A manifest of a list, as docker's client keeps and shows it. */
export interface StoredManifest {
  /** The whole reference. */
  Ref: string;
  Descriptor: { mediaType: string; digest: string; size: number; platform?: ManifestPlatform };
  /** The manifest's bytes in base64. */
  Raw: string;
  /** The same, parsed: one of the two. */
  SchemaV2Manifest?: object;
  OCIManifest?: object;
}

/** An index as a registry has it. */
export interface RemoteIndex {
  bytes: Buffer;
  manifests: { digest: string; platform?: ManifestPlatform }[];
}

/** `a/b` -> `docker.io/a/b:latest`, the form by which manifests are stored. */
export const wholeReference = (name: string) => formatReference(withDefaultTag(parseReference(name)));

/** What a registry has under a name. Throws CommandError `no such manifest: x` in docker's words. */
export async function fetchStored(
  context: Context,
  client: Client,
  name: string,
): Promise<{ manifest: StoredManifest } | { index: RemoteIndex }> {
  const auth = await registryAuthFor(context, name);
  try {
    const bytes = await remoteManifest(client, name, auth);
    const parsed = JSON.parse(bytes.toString('utf8'));
    if (Array.isArray(parsed.manifests)) return { index: { bytes, manifests: parsed.manifests } };
    const { Descriptor, Platforms } = await inspectDistribution(client, name, auth);
    const kind = /\.oci\./.test(Descriptor.mediaType) ? 'OCIManifest' : 'SchemaV2Manifest';
    const platform = Platforms[0];
    return {
      manifest: {
        Ref: wholeReference(name),
        Descriptor: { ...Descriptor, ...(platform && { platform }) },
        Raw: bytes.toString('base64'),
        [kind]: parsed,
      },
    };
  } catch (error) {
    if (!isEngineError(error, 'not-found')) throw error;
    throw new CommandError(`no such manifest: ${name}`, { cause: error });
  }
}
