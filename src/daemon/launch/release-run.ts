import type { ContainerRecord } from '#container/record.ts';
import type { RunResources } from '#container/store.ts';
import { removeSmallFolder } from '#lib/remove-small.ts';
import { fault } from '#lib/write-steps.ts';
import { unbindAll } from '#linux/bind-below.ts';
import { releaseSharedMemory } from '#runtime/shared-memory.ts';
import type { Engine } from '../engine.ts';
import { runtimeCommand } from './monitor-options.ts';

/**
 * Takes down what a run had: network, mounts, the runtime's state, run folder. Can be repeated, after a crash too.
 * `monitorGone` resolves when the monitor has ended; unless it cleaned up, the runtime's `delete` is done here.
 */
export async function releaseRun(
  engine: Engine,
  { id, runtime, shareableIpc, imageLayers = [] }: RunResources,
  monitorGone: Promise<{ cleaned: boolean }>,
): Promise<void> {
  const networkReleased = engine.networks.release(id);
  const { cleaned } = await monitorGone;
  if (!cleaned) await deleteAtRuntime(engine, id, runtime || engine.runtimes.default);
  await networkReleased;
  fault('container.exit.network');
  if (!isViewed(engine, id)) await releaseMounts(engine, { id, imageLayers });
  const { runFolder, sharedMemory } = engine.paths.container(id);
  if (shareableIpc) await releaseSharedMemory(engine.launcher, sharedMemory);
  await removeSmallFolder(runFolder);
  fault('container.exit.released');
}

/** Unmounts a container's root, its volumes, and what else `mountSources` has mounted. Can be repeated. */
export async function releaseMounts(
  engine: Engine,
  { id, imageLayers = [] }: Pick<RunResources, 'id' | 'imageLayers'>,
): Promise<void> {
  await engine.driver.put(id);
  await unbindAll(engine.launcher, engine.paths.container(id).parts);
  for (const layer of imageLayers) await engine.driver.put(layer);
  await engine.volumes.unmountAll(id);
}

/** Somebody is at the container's files, and unmounts them afterwards. */
function isViewed({ containers }: Engine, id: string): boolean {
  return containers.has(id) && containers.get(id).views > 0;
}

/** What a run of this container has besides what every run has. */
export function runOf({ id, hostConfig, imageMounts }: ContainerRecord): RunResources {
  return {
    id,
    runtime: hostConfig.Runtime ?? '',
    shareableIpc: hostConfig.IpcMode === 'shareable',
    ...(imageMounts && { imageLayers: imageMounts.map(({ layer }) => layer) }),
  };
}

async function deleteAtRuntime(engine: Engine, id: string, runtime: string): Promise<void> {
  if (!engine.runtimes.programs.has(runtime)) return;
  await engine.launcher.run({
    argv: [...runtimeCommand(engine, runtime), 'delete', '--force', id],
    timeoutMs: 30_000,
  });
}
