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

  /** Whether anybody has one of them. */
  get busy(): boolean {
    return this.#locks.size > 0;
  }

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

/** Lets a number of pieces of work run at a time; the others wait for their turn, in the order in which they asked. */
export class Semaphore {
  #size: number;
  /** Below 0 when it has become smaller than what runs. */
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(size: number) {
    this.#size = size;
    this.#free = size;
  }

  /** Lets another number run at a time; what runs already goes on. */
  resize(size: number): void {
    this.#free += size - this.#size;
    this.#size = size;
    this.#admit();
  }

  /** Runs `work` when it is its turn. Rejects with the signal's reason when that fires before. */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#take(signal);
    try {
      return await work();
    } finally {
      this.#free++;
      this.#admit();
    }
  }

  #admit(): void {
    while (this.#free > 0 && this.#waiting.length > 0) this.#waiting.shift()!();
  }

  async #take(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const turn = () => {
      this.#free--;
      resolve();
    };
    const leave = () => {
      const at = this.#waiting.indexOf(turn);
      if (at >= 0) this.#waiting.splice(at, 1);
      reject(signal!.reason);
    };
    this.#waiting.push(turn);
    signal?.addEventListener('abort', leave, { once: true });
    await promise.finally(() => signal?.removeEventListener('abort', leave));
  }
}
