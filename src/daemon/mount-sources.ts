import { join } from 'node:path';
import type { Container } from '#container/container.ts';
import { bindBelow } from '#linux/bind-below.ts';
import type { ResolvedMount } from '#volume/resolved-mount.ts';
import type { Engine } from './engine.ts';

/**
 * The mounts of a container that is about to start, each with its source on the host: images are mounted, and parts of
 * volumes and images are mounted by themselves. `releaseRun` takes that down again. Its volumes must be mounted.
 */
export async function mountSources(engine: Engine, { id, record }: Container): Promise<ResolvedMount[]> {
  const { mounts, imageMounts = [] } = record;
  const { parts } = engine.paths.container(id);
  const images = imageMounts[Symbol.iterator]();
  const sources: ResolvedMount[] = [];
  for (const [index, mount] of mounts.entries()) {
    let { source } = mount;
    if (mount.type === 'image') {
      const { layer } = images.next().value!;
      source = (await engine.driver.get(layer, { readOnly: true })).path;
    }
    if (mount.subpath) {
      const target = join(parts, String(index));
      await bindBelow(engine.launcher, { base: source, subpath: mount.subpath, target });
      source = target;
    }
    sources.push({ ...mount, source });
  }
  return sources;
}
