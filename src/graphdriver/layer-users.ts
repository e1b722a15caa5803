import { conflict } from '#errors/errors.ts';

/**
 * Which containers use which layers. A mounted overlay holds its layers even when they are unmounted or deleted beneath
 * it, so users are counted, not left to EBUSY.
 */
export class LayerUsers {
  readonly #users = new Map<string, Set<string>>();

  /** Notes that `user` uses these layers until `release`. */
  claim(user: string, diffIds: readonly string[]): void {
    for (const diffId of diffIds) {
      const users = this.#users.get(diffId) ?? new Set();
      this.#users.set(diffId, users.add(user));
    }
  }

  release(user: string): void {
    for (const [diffId, users] of this.#users) {
      if (users.delete(user) && users.size === 0) this.#users.delete(diffId);
    }
  }

  has(diffId: string): boolean {
    return this.#users.has(diffId);
  }

  /** Throws `conflict` if a container uses the layer. */
  refuseIfUsed(diffId: string): void {
    const [user] = this.#users.get(diffId) ?? [];
    if (user === undefined) return;
    throw conflict(`layer ${diffId} is in use by container ${user}`, { hint: 'Remove the container first.' });
  }
}
