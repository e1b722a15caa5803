import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import type { ContainerUpdateRequest, ContainerUpdateResponse } from '#api/types/container.ts';
import type { HostConfig } from '#api/types/host-config.ts';
import type { Container } from '#container/container.ts';
import { eventAttributes } from '#container/description.ts';
import { system } from '#errors/errors.ts';
import { stringifyExact } from '#lib/json.ts';
import { fault } from '#lib/write-steps.ts';
import { runtimeText } from '#runtime/errors.ts';
import { updatedResources } from '#runtime/spec/resources.ts';
import { checkResources } from '#runtime/spec/validate/resources.ts';
import { checkRestartPolicy } from '#runtime/spec/validate/restart-policy.ts';
import { updateChanges } from '#runtime/spec/validate/update.ts';
import type { Engine } from './engine.ts';
import { reserveCpuTime } from './launch/launch-spec.ts';
import { runtimeCommand } from './launch/monitor-options.ts';
import { refuseRemoving } from './refusals.ts';

/**
 * `POST /containers/{id}/update`: limits and restart policy, of a running container at once. The record is written before
 * the kernel is asked; what the kernel refuses is taken back. Throws `invalid` and `conflict` in Docker's words.
 */
export async function updateContainer(
  engine: Engine,
  id: string,
  request: ContainerUpdateRequest,
): Promise<ContainerUpdateResponse> {
  if (request.RestartPolicy.Name !== '')
    checkRestartPolicy({ RestartPolicy: request.RestartPolicy, AutoRemove: false });
  const { resources: asked, warnings } = checkResources(request, engine);
  const container = engine.containers.get(id);
  await container.lock.run(async () => {
    refuseRemoving(container);
    const before = container.record.hostConfig;
    const { updating } = engine.paths.container(container.id);
    const changes = updateChanges(container.id, before, asked);
    if (container.running) await writeFile(updating, '');
    await saveHostConfig(engine, container, { ...before, ...changes });
    fault('container.update.saved');
    try {
      if (container.running) await applyLimits(engine, container, changes);
    } catch (error) {
      await saveHostConfig(engine, container, before);
      throw error;
    } finally {
      await rm(updating, { force: true });
    }
    fault('container.update.applied');
    engine.events.publish('container', 'update', container.id, eventAttributes(container));
  });
  return { Warnings: warnings.length > 0 ? warnings : null };
}

async function saveHostConfig(engine: Engine, container: Container, hostConfig: HostConfig): Promise<void> {
  container.setHostConfig(hostConfig);
  await engine.containers.save(container);
}

/** A killed engine may have written limits down that it did not give to the kernel. */
export async function restoreLimits(engine: Engine, container: Container): Promise<void> {
  const { updating } = engine.paths.container(container.id);
  if (!existsSync(updating)) return;
  await applyLimits(engine, container, container.record.hostConfig);
  await rm(updating, { force: true });
}

async function applyLimits(engine: Engine, container: Container, changes: Partial<HostConfig>): Promise<void> {
  const { id, hostConfig } = container.record;
  const resources = updatedResources(hostConfig, changes);
  if (Object.keys(resources).length === 0) return;
  await reserveCpuTime(engine, container);
  const name = hostConfig.Runtime || engine.runtimes.default;
  const { code, stderr } = await engine.launcher.run({
    argv: [...runtimeCommand(engine, name), 'update', '--resources', '/dev/stdin', id],
    stdin: Buffer.from(stringifyExact(resources)),
    timeoutMs: 30_000,
  });
  if (code === 0) return;
  const text = runtimeText({ stderr: stderr.toString(), log: '', status: code ?? 0 });
  throw system(`Cannot update container ${id}: ${text}`);
}
