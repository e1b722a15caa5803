import { conflict } from '#errors/errors.ts';
import { fault } from '#lib/write-steps.ts';
import type { Engine } from './engine.ts';
import { rewriteHosts } from './etc-hosts.ts';
import { linkedPorts } from './links.ts';

/**
 * `DELETE /containers/{parent}/{alias}?link=1`: `parent` is not linked under that name any more; no container is removed.
 * What its processes were told at their start they keep. Throws `not-found` for a name that is no link, `conflict` for a
 * container's own name.
 */
export async function removeLink(engine: Engine, reference: string): Promise<void> {
  engine.containers.get(reference);
  const name = `/${reference.replace(/^\//, '')}`;
  const [, owner] = /^\/([^/]+)\/./.exec(name) ?? [];
  if (owner === undefined) throw conflict('Conflict, cannot remove the default link name of the container');
  const parent = engine.containers.get(owner);
  await parent.lock.run(async () => {
    const { hostConfig } = parent.record;
    const Links = (hostConfig.Links ?? []).filter((link) => link.slice(link.indexOf(':') + 1) !== name);
    parent.setHostConfig({ ...hostConfig, Links: Links.length > 0 ? Links : null });
    // first the file: an engine that is killed before the row is written puts the name back, the other way round nobody does
    await rewriteHosts(engine, parent);
    await engine.networks.setLinks(linkedPorts(engine));
    await engine.containers.save(parent);
    fault('container.unlink.saved');
  });
}
