/** Serialises asynchronous work. Waiters run in the order in which they asked. */
export class Mutex {
  #tail: Promise<void> = Promise.resolve();
  #held = 0;

  get busy(): boolean {
    return this.#held > 0;
  }

  /** Runs `work` alone and gives its result; a failure is the caller's and does not block those behind it. */
  run<T>(work: () => Promise<T>): Promise<T> {
    this.#held++;
    const result = this.#tail.then(work);
    this.#tail = result.then(
      () => this.#release(),
      () => this.#release(),
    );
    return result;
  }

  #release(): void {
    this.#held--;
  }
}

/** One mutex per key, gone when nobody waits for it. */
export class KeyedMutex {
  readonly #locks = new Map<string, Mutex>();

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    let lock = this.#locks.get(key);
    if (!lock) {
      lock = new Mutex();
      this.#locks.set(key, lock);
    }
    try {
      return await lock.run(work);
    } finally {
      if (!lock.busy && this.#locks.get(key) === lock) this.#locks.delete(key);
    }
  }
}
