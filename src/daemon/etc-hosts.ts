import { open } from 'node:fs/promises';
import type { Container } from '#container/container.ts';
import { errnoCode } from '#errors/errors.ts';
import { withNeighbours } from '#network/hosts-file.ts';
import { type Neighbour, neighboursOf } from '#network/neighbours.ts';
import type { Engine } from './engine.ts';
import { linkedNeighbours, linkedPorts } from './links.ts';

/** Whom a running container finds in its `/etc/hosts`, besides itself and its `--add-host`. */
export function hostsNeighbours(engine: Engine, container: Container): Neighbour[] {
  return [...neighboursOf(engine.networks, container.id), ...linkedNeighbours(engine, container)];
}

/**
 * Brings `/etc/hosts` up to date in every running container that shares a network with one that has just come or gone,
 * or has a link to it, and opens the ways of links to it. `networks` are the names of those networks; resolves when the
 * files are written.
 */
export async function refreshHosts(engine: Engine, networks: readonly string[]): Promise<void> {
  if (networks.includes('bridge')) await engine.networks.setLinks(linkedPorts(engine));
  const named = networks.filter((name) => engine.networks.membersOf(name).some(({ endpoint }) => endpoint.DNSNames));
  const affected = new Set(
    named.flatMap((name) => engine.networks.membersOf(name).map(({ containerId }) => containerId)),
  );
  for (const { id, record } of engine.containers) {
    if (networks.includes('bridge') && record.hostConfig.Links?.length) affected.add(id);
  }
  const containers = [...affected].flatMap((id) => (engine.containers.has(id) ? [engine.containers.get(id)] : []));
  await Promise.all(
    containers.filter(({ record }) => record.sandbox).map((container) => rewriteHosts(engine, container)),
  );
}

/** Brings the file of one container up to date. */
export async function rewriteHosts(engine: Engine, container: Container): Promise<void> {
  await container.hostsLock.run(() => rewrite(engine, container));
}

/** In place, for the file is mounted into the container: one write, then the end is cut off. */
async function rewrite(engine: Engine, container: Container): Promise<void> {
  const path = engine.paths.container(container.id).hosts;
  try {
    await using file = await open(path, 'r+');
    const before = await file.readFile('utf8');
    const after = withNeighbours(before, hostsNeighbours(engine, container));
    if (after === before) return;
    await file.write(Buffer.from(after), 0, undefined, 0);
    await file.truncate(Buffer.byteLength(after));
  } catch (error) {
    if (errnoCode(error) !== 'ENOENT') throw error;
  }
}
