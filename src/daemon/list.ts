import type { ContainerInspect, ContainerSummary } from '#api/types/container.ts';
import type { Container } from '#container/container.ts';
import { type ListRequest, selectContainers } from '#container/list-filter.ts';
import { inspectView, summaryView } from '#container/views.ts';
import { isEngineError } from '#errors/errors.ts';
import type { Image } from '#image/image.ts';
import { nowNs } from '#lib/time.ts';
import type { Engine } from './engine.ts';

/** `GET /containers/json`; from memory, whatever any container is busy with. */
export function listContainers(engine: Engine, request: ListRequest): ContainerSummary[] {
  const selected = selectContainers(engine.containers, request, (name) => imageNamed(engine, name));
  const now = nowNs();
  return selected.map((container) => summaryView(container, imageName(engine, container), now));
}

/** As created, unless that name means another image by now. */
function imageName(engine: Engine, { record }: Container): string {
  return imageNamed(engine, record.config.Image)?.id === record.imageId ? record.config.Image : record.imageId;
}

function imageNamed(engine: Engine, name: string): Image | undefined {
  try {
    return engine.graph.get(name);
  } catch (error) {
    if (isEngineError(error, 'not-found')) return undefined;
    throw error;
  }
}

/** `GET /containers/{id}/json`. */
export function inspectContainer(engine: Engine, id: string): ContainerInspect {
  const container = engine.containers.get(id);
  const { resolvConf, hostname, hosts, log } = engine.paths.container(container.id);
  const logged = container.record.hostConfig.LogConfig.Type === 'json-file';
  return inspectView(container, {
    ...(container.record.sandbox || container.state.startedAt > 0n ? { resolvConf, hostname, hosts } : NO_FILES),
    log: logged ? log : '',
    graphDriver: { Name: engine.driver.name, Data: engine.driver.describe(container.id, container.record.chain) },
  });
}

const NO_FILES = { resolvConf: '', hostname: '', hosts: '' };
