import { eventAttributes } from '#container/description.ts';
import type { Sendable } from '#lib/client-socket.ts';
import { type PackOptions, packView } from '#programs/tree-view.ts';
import { refuseGoing } from './changes.ts';
import { untilRead, withView } from './container-view.ts';
import type { Engine } from './engine.ts';

/** `GET /containers/{id}/export`: the container's whole root as a tar, without what is mounted on it. */
export async function exportContainer(engine: Engine, id: string, to: PackOptions): Promise<Sendable> {
  const container = engine.containers.get(id);
  refuseGoing(container, 'export');
  const tar = await withView(engine, container, { volumes: false }, async (opened) => {
    const packed = await packView(opened.view, '/', '', to);
    return untilRead(opened, packed.tar);
  });
  engine.events.publish('container', 'export', container.id, eventAttributes(container));
  return tar;
}
