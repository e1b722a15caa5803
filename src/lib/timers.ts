/** The longest that a timer of Node can wait, in milliseconds; more would fire at once. */
export const MAX_TIMEOUT = 2 ** 31 - 1;

/** At most one timer for each key. None keeps the process alive. */
export class KeyedTimers {
  readonly #fire: (key: string) => void;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #closed = false;

  constructor(fire: (key: string) => void) {
    this.#fire = fire;
  }

  /** Calls `fire` with the key in `milliseconds`, instead of what was set for that key before. */
  set(key: string, milliseconds: number): void {
    this.clear(key);
    if (this.#closed) return;
    const fire = () => {
      this.#timers.delete(key);
      this.#fire(key);
    };
    this.#timers.set(key, setTimeout(fire, Math.min(Math.max(milliseconds, 0), MAX_TIMEOUT)).unref());
  }

  /** Takes back what was set; a key without a timer is fine. */
  clear(key: string): void {
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
  }

  /** Nothing fires from now on. */
  close(): void {
    this.#closed = true;
    for (const key of [...this.#timers.keys()]) this.clear(key);
  }
}
