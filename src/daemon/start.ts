import type { HostConfig } from '#api/types/host-config.ts';
import { conflict, isEngineError, notModified } from '#errors/errors.ts';
import { replaceHostConfig } from './create/start-config.ts';
import type { Engine } from './engine.ts';
import { launch } from './launch/launch.ts';
import { refuseRemoving } from './refusals.ts';
import { removeContainer } from './remove.ts';

/**
 * `POST /containers/{id}/start`. Throws `not-modified` for a running container, `conflict` for one that is being
 * removed, and what `launch` throws; a container with auto-remove that does not start is removed.
 */
export async function startContainer(engine: Engine, id: string, hostConfig?: HostConfig): Promise<void> {
  const container = engine.containers.get(id);
  await container.lock.run(async () => {
    if (container.state.paused) throw conflict('cannot start a paused container, try unpause instead');
    if (container.active) throw notModified(`Container ${container.name} is already running`);
    refuseRemoving(container);
    if (hostConfig) await replaceHostConfig(engine, container, hostConfig);
    container.setRestarts(0);
    try {
      await launch(engine, container);
    } catch (error) {
      if (!container.record.hostConfig.AutoRemove || isEngineError(error, 'not-modified')) throw error;
      await removeContainer(engine, container, { volumes: true });
      throw error;
    }
  });
}
