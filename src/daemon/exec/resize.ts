import { setTimeout as sleep } from 'node:timers/promises';
import { conflict, system } from '#errors/errors.ts';
import type { Engine } from '../engine.ts';
import { checkCanExec } from './create.ts';

/** Milliseconds for which a resize waits for the start; as dockerd. */
const PATIENCE = 10_000;

/** `POST /exec/{id}/resize`, in characters. Without a terminal nothing happens. Throws `conflict` when it has ended. */
export async function resizeExec(engine: Engine, id: string, height: number, width: number): Promise<void> {
  const exec = engine.execs.get(id);
  checkCanExec(exec.container);
  const enough = new AbortController();
  const late = sleep(PATIENCE, 'late', { signal: enough.signal }).catch(() => 'late');
  if ((await Promise.race([exec.started, late])) === 'late') throw system('timeout waiting for exec session ready');
  enough.abort();
  if (!exec.monitor) throw conflict(`cannot resize exec ${id}: it has ended`);
  if (exec.record.tty) await exec.monitor.resize(height, width);
}
