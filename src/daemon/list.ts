import type { ContainerInspect, ContainerSummary } from '#api/types/container.ts';
import type { Container } from '#container/container.ts';
import { namesByLinks } from '#container/link-names.ts';
import { type ListRequest, selectContainers } from '#container/list-filter.ts';
import { inspectView, statusText, summaryView } from '#container/views.ts';
import type { Image } from '#image/image.ts';
import { nowNs } from '#lib/time.ts';
import type { Engine } from './engine.ts';

/** `GET /containers/json`; from memory, whatever any container is busy with. */
export function listContainers(engine: Engine, request: ListRequest): ContainerSummary[] {
  const images = new Map<string, Image | undefined>();
  const named = (name: string) => {
    if (!images.has(name)) images.set(name, engine.graph.find(name));
    return images.get(name);
  };
  const now = nowNs();
  const linkNames = namesByLinks([...engine.containers].map(({ record }) => record.hostConfig.Links));
  return selectContainers(engine.containers, request, (name) => engine.graph.familyOf(name)).map((container) => {
    const { Image: given } = container.record.config;
    // As created, unless that name means another image by now.
    const image = named(given)?.id === container.record.imageId ? given : container.record.imageId;
    const names = linkNames.get(container.name) ?? [];
    return cached(summaries, container, `${image} ${statusText(container, now)} ${names.join()}`, () =>
      summaryView(container, { image, linkNames: names, now }),
    );
  });
}

/** `GET /containers/{id}/json`. */
export function inspectContainer(engine: Engine, id: string): ContainerInspect {
  const container = engine.containers.get(id);
  return cached(inspections, container, '', () => describeContainer(engine, container));
}

function describeContainer(engine: Engine, container: Container): ContainerInspect {
  const { record, id, state } = container;
  const { resolvConf, hostname, hosts, log } = engine.paths.container(id);
  const logged = record.hostConfig.LogConfig.Type === 'json-file';
  return inspectView(container, {
    ...(record.sandbox || state.startedAt > 0n ? { resolvConf, hostname, hosts } : NO_FILES),
    log: logged ? log : '',
    graphDriver: { Name: engine.driver.name, Data: engine.driver.describe(id, record.chain) },
  });
}

const NO_FILES = { resolvConf: '', hostname: '', hosts: '' };

/** Views by container. They are frozen, which lets the server serialise them once. */
type Views<T> = WeakMap<Container, { key: string; revision: number; view: T }>;
const summaries: Views<ContainerSummary> = new WeakMap();
const inspections: Views<ContainerInspect> = new WeakMap();

/** The view made last time, unless the container or what else it shows (`key`) has changed. */
function cached<T>(views: Views<T>, container: Container, key: string, make: () => T): T {
  const known = views.get(container);
  if (known?.key === key && known.revision === container.revision) return known.view;
  const view = Object.freeze(make());
  views.set(container, { key, revision: container.revision, view });
  return view;
}
