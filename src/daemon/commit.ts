import type { Config } from '#api/types/container-config.ts';
import type { Container } from '#container/container.ts';
import { eventAttributes } from '#container/description.ts';
import { applyChanges } from '#dockerfile/changes.ts';
import { type TagTarget, targetReference } from '#graph/tag.ts';
import { familiarReference } from '#lib/reference.ts';
import { pauseCgroup, resumeCgroup } from '#linux/cgroup-control.ts';
import { mergeConfig } from '#runtime/spec/merge-config.ts';
import { refuseGoing } from './changes.ts';
import type { Engine } from './engine.ts';
import { cgroupPath } from './launch/launch-spec.ts';

export interface CommitRequest {
  /** What the image is called; absent = it has no name. */
  target?: TagTarget;
  comment: string;
  author: string;
  /** Stop a running container's processes meanwhile. */
  pause: boolean;
  /** Dockerfile instructions that change the configuration. */
  changes: readonly string[];
  /** Instead of the container's own, from which what is empty here is filled. */
  config?: Config;
}

/**
 * `POST /commit`: makes an image of what a container has changed, and gives its id. The image's config, the layer and the
 * name become known together. Throws what `applyChanges` and the graph throw; nothing is left then.
 */
export async function commitContainer(engine: Engine, id: string, request: CommitRequest): Promise<string> {
  const container = engine.containers.get(id);
  refuseGoing(container, 'commit');
  const { target, comment, author } = request;
  const reference = target && targetReference(target);
  const own = container.record.config;
  const config = mergeConfig(applyChanges(request.config ?? own, request.changes), own);
  return withoutWriting(engine, container, request.pause, async () => {
    const image = await engine.graph.commit(
      {
        parent: engine.graph.get(container.record.imageId),
        config,
        author,
        comment,
        createdBy: (own.Cmd ?? []).join(' '),
        container: { id: container.id, config: own },
        reference,
      },
      (tar) => engine.driver.diff(container.id, tar),
    );
    const imageRef = reference ? familiarReference(reference) : '';
    const attributes = eventAttributes(container, { comment, imageID: image.id, imageRef });
    engine.events.publish('container', 'commit', container.id, attributes);
    return image.id;
  });
}

/** Does `work` while no process of the container runs. The record does not say so: the next engine ends such a pause. */
function withoutWriting<T>(engine: Engine, container: Container, pause: boolean, work: () => Promise<T>): Promise<T> {
  return container.lock.run(async () => {
    if (!pause || !container.running || container.state.paused) return work();
    const group = cgroupPath(engine, container);
    const tell = (action: string) =>
      engine.events.publish('container', action, container.id, eventAttributes(container));
    await pauseCgroup(engine.cgroups, group);
    tell('pause');
    try {
      return await work();
    } finally {
      await resumeCgroup(engine.cgroups, group);
      tell('unpause');
    }
  });
}
