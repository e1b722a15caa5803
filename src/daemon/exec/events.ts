import { eventAttributes } from '#container/description.ts';
import type { Exec } from '#container/exec.ts';
import type { Engine } from '../engine.ts';

/** The first two carry the command in their action, as dockerd's do. */
export function publishExec(engine: Engine, exec: Exec, action: 'exec_create' | 'exec_start'): void {
  const [entrypoint, ...args] = exec.record.command;
  publish(engine, exec, `${action}: ${entrypoint} ${args.join(' ')}`);
}

export function publishExecDetach(engine: Engine, exec: Exec): void {
  publish(engine, exec, 'exec_detach');
}

export function publishExecDie(engine: Engine, exec: Exec, exitCode: number): void {
  publish(engine, exec, 'exec_die', { exitCode: String(exitCode) });
}

function publish(engine: Engine, { id, container }: Exec, action: string, more: Record<string, string> = {}): void {
  engine.events.publish('container', action, container.id, eventAttributes(container, { execID: id, ...more }));
}
