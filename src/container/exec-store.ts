import { notFound } from '#errors/errors.ts';
import type { Container } from './container.ts';
import type { Exec } from './exec.ts';

/** Every exec that can be asked about, by its id. */
export class ExecStore {
  readonly #byId = new Map<string, Exec>();

  get size(): number {
    return this.#byId.size;
  }

  add(exec: Exec): void {
    this.#byId.set(exec.id, exec);
    exec.container.addExec(exec.id);
  }

  /** By the whole id; prefixes do not count. Throws `not-found`. */
  get(id: string): Exec {
    const exec = this.#byId.get(id);
    if (!exec) throw notFound(`No such exec instance: ${id}`);
    return exec;
  }

  forget(exec: Exec): void {
    this.#byId.delete(exec.id);
    exec.container.dropExec(exec.id);
  }

  /** The container has exited: what was never started cannot be any more. */
  forgetUnstarted(container: Container): void {
    for (const id of container.execIds) {
      const exec = this.#byId.get(id);
      if (exec?.status === 'created') this.forget(exec);
    }
  }

  /** The container is gone, and with it everybody who could ask. */
  forgetAll(container: Container): void {
    for (const exec of this.#byId.values()) if (exec.container === container) this.forget(exec);
  }

  /** Forgets those that had ended at the last sweep already, and gives them: each can be asked about for a while. */
  sweep(): Exec[] {
    const gone = [...this.#byId.values()].filter((exec) => exec.expired);
    for (const exec of gone) this.forget(exec);
    for (const exec of this.#byId.values()) exec.expired = exec.status === 'ended';
    return gone;
  }
}
