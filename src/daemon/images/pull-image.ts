import type { OciPlatform, ProgressMessage } from '#api/types/image.ts';
import type { AuthConfig } from '#api/types/registry.ts';
import { invalid } from '#errors/errors.ts';
import { parseReference, type Reference, withTag } from '#lib/reference.ts';
import type { Engine } from '../engine.ts';

export interface PullImageRequest {
  /** As people write it, with or without tag or digest. */
  image: string;
  /** A tag or a digest, which counts instead of the one in `image`; empty = that one, or all tags. */
  tag: string;
  platform?: OciPlatform;
  auth?: AuthConfig;
}

/** `POST /images/create?fromImage=`. Throws as `Graph.pull` does, and `invalid` for what is no reference. */
export async function pullImage(
  { graph, registry }: Pick<Engine, 'graph' | 'registry'>,
  { image, tag, platform, auth }: PullImageRequest,
  emit: (message: ProgressMessage) => void,
  signal: AbortSignal,
): Promise<void> {
  const reference = pullReference(image, tag);
  await graph.pull({ reference, platform, sessions: registry.pullSessions(reference, auth) }, emit, signal);
}

/** A colon without a tag means all tags, in the words of old clients. */
function pullReference(image: string, tag: string): Reference {
  if (image === '') throw invalid('invalid reference format: the name of the image is empty');
  const named = parseReference(image.replace(/:$/, ''));
  if (tag === '') return named;
  const { domain, path } = named;
  return tag.includes(':') ? parseReference(`${domain}/${path}@${tag}`) : withTag({ domain, path }, tag);
}
