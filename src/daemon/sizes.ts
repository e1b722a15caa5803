import type { ContainerInspect, ContainerSummary } from '#api/types/container.ts';
import type { Container } from '#container/container.ts';
import type { ListRequest } from '#container/list-filter.ts';
import type { Engine } from './engine.ts';
import { inspectContainer, listContainers } from './list.ts';

/** How much a container holds, in bytes. */
export interface ContainerSizes {
  /** Files of its own. */
  SizeRw: number;
  /** Those and its image's. */
  SizeRootFs: number;
}

/** How many containers are measured at a time. */
const AT_A_TIME = 4;

/** `GET /containers/json?size=1`. Containers without files of their own have no such size, as with dockerd. */
export async function listWithSizes(engine: Engine, request: ListRequest): Promise<ContainerSummary[]> {
  const rows = listContainers(engine, request);
  const sizes = await containerSizes(
    engine,
    rows.map(({ Id }) => engine.containers.get(Id)),
  );
  return rows.map((row, index) => {
    const { SizeRw: own, ...rest } = sizes[index]!;
    return { ...row, ...(own > 0 && { SizeRw: own }), ...rest };
  });
}

/** `GET /containers/{id}/json?size=1`. */
export async function inspectWithSizes(engine: Engine, id: string): Promise<ContainerInspect> {
  const [sizes] = await containerSizes(engine, [engine.containers.get(id)]);
  return { ...inspectContainer(engine, id), ...sizes };
}

/** The sizes of containers, in their order. One that is removed meanwhile has none. */
async function containerSizes(engine: Engine, containers: readonly Container[]): Promise<ContainerSizes[]> {
  const sizes: ContainerSizes[] = [];
  const waiting = containers.entries();
  const measure = async () => {
    for (const [index, container] of waiting) sizes[index] = await sizesOf(engine, container);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, measure));
  return sizes;
}

async function sizesOf(engine: Engine, container: Container): Promise<ContainerSizes> {
  const image = engine.graph.contentSize(container.record.chain);
  const own = await engine.driver.diffSize(container.id).catch((error: unknown) => {
    if (container.removing) return 0;
    throw error;
  });
  return { SizeRw: own, SizeRootFs: own + image };
}
