import type { Container } from '#container/container.ts';
import type { Engine } from './engine.ts';

/** Says of each volume that a run begins, or ceases, to use it. */
export function tellVolumes(engine: Engine, { id, record }: Container, action: 'mount' | 'unmount'): void {
  for (const { Type: type, Name: name, Destination: destination, Propagation: propagation, RW } of record.mountPoints) {
    if (type !== 'volume' || !name) continue;
    const use = { container: id, driver: 'local' };
    const how = { destination, propagation, 'read/write': String(RW) };
    engine.events.publish('volume', action, name, action === 'mount' ? { ...use, ...how } : use);
  }
}
