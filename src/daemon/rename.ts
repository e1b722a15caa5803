import type { Container } from '#container/container.ts';
import { eventAttributes } from '#container/description.ts';
import { EngineError, invalid, isEngineError } from '#errors/errors.ts';
import { replaceFile } from '#lib/durable-file.ts';
import { fault } from '#lib/write-steps.ts';
import type { Sandbox } from '#network/sandbox.ts';
import type { Engine } from './engine.ts';
import { refreshHosts } from './etc-hosts.ts';
import { refuseRemoving } from './refusals.ts';

/** `POST /containers/{id}/rename`. Throws `invalid` or `conflict` in Docker's words. */
export async function renameContainer(engine: Engine, id: string, name: string): Promise<void> {
  const { containers, networks, events } = engine;
  if (name === '') throw invalid('Neither old nor new names may be empty');
  const container = containers.get(id);
  await container.lock.run(async () => {
    const old = container.name;
    refuseRemoving(container);
    if (name.replace(/^\//, '') === old) throw invalid('Renaming a container with the same name as its current name');
    await containers.rename(container, reserve(engine, container.id, name));
    fault('container.rename.saved');
    const sandbox = networks.rename(container.id, container.name);
    events.publish('container', 'rename', container.id, eventAttributes(container, { oldName: `/${old}` }));
    if (sandbox && container.running) await tellNeighbours(engine, container, sandbox);
  });
}

async function tellNeighbours(engine: Engine, container: Container, sandbox: Sandbox): Promise<void> {
  await replaceFile(engine.paths.container(container.id).sandbox, JSON.stringify(sandbox));
  if (!container.running) return;
  container.setSandbox(sandbox);
  await engine.containers.save(container);
  await refreshHosts(engine, Object.keys(sandbox.networks));
}

function reserve({ containers }: Engine, id: string, name: string): string {
  try {
    return containers.reserveName(id, name);
  } catch (error) {
    if (!isEngineError(error)) throw error;
    const { kind, message, hint } = error;
    throw new EngineError(kind, `Error when allocating new name: ${message}`, { hint, cause: error });
  }
}
