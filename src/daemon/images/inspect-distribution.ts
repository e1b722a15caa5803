import type { AuthConfig, DistributionInspect } from '#api/types/registry.ts';
import { inspectRemote } from '#graph/pull/inspect-remote.ts';
import { parseReference, withDefaultTag } from '#lib/reference.ts';
import { repositoryScope } from '#registry/scopes.ts';
import type { Engine } from '../engine.ts';

/** `GET /distribution/{name}/json`. Throws as `inspectRemote` does, and `invalid` for what is no reference. */
export async function inspectDistribution(
  { registry }: Pick<Engine, 'registry'>,
  image: string,
  auth: AuthConfig | undefined,
  signal: AbortSignal,
): Promise<DistributionInspect> {
  const { domain, path, tag, digest } = withDefaultTag(parseReference(image));
  const session = registry.session(domain, auth, [repositoryScope(path, 'pull')]);
  return inspectRemote({ session, repository: path, signal }, digest ?? tag!);
}
