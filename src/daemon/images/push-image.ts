import type { OciPlatform, ProgressMessage } from '#api/types/image.ts';
import type { AuthConfig } from '#api/types/registry.ts';
import { invalid } from '#errors/errors.ts';
import { parseReference, withTag } from '#lib/reference.ts';
import { repositoryScope } from '#registry/scopes.ts';
import type { Engine } from '../engine.ts';

export interface PushImageRequest {
  /** A repository as people write it. */
  image: string;
  /** Empty = the tag in `image`, or all tags. */
  tag: string;
  platform?: OciPlatform;
  auth?: AuthConfig;
}

/** `POST /images/{name}/push`. Throws as `Graph.push` does, and `invalid` for what is no reference. */
export async function pushImage(
  { graph, registry, config }: Pick<Engine, 'graph' | 'registry' | 'config'>,
  { image, tag, platform, auth }: PushImageRequest,
  emit: (message: ProgressMessage) => void,
  signal: AbortSignal,
): Promise<void> {
  const named = parseReference(image);
  if (named.digest !== undefined) throw invalid('cannot push a digest reference');
  const reference = tag === '' ? named : withTag(named, tag);
  const session = registry.session(named.domain, auth, [repositoryScope(named.path, 'pull', 'push')]);
  const compression = config.pushCompression;
  await graph.push({ reference, platform, compression, session }, emit, signal);
}
