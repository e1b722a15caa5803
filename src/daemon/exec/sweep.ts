import { rm } from 'node:fs/promises';
import type { Engine } from '../engine.ts';

/** Milliseconds between two sweeps, as dockerd: an exec can be asked about for that long at least after its end. */
const INTERVAL = 5 * 60_000;

/** From now on execs that ended long ago are forgotten. */
export function sweepExecs(engine: Engine): void {
  const sweep = async () => {
    for (const { id, container } of engine.execs.sweep()) {
      await rm(engine.paths.exec(container.id, id).folder, { recursive: true, force: true });
    }
  };
  setInterval(() => void engine.background.run('forgetting execs', sweep), INTERVAL).unref();
}
