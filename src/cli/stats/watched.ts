import type { Client } from '#api/client/client.ts';
import { containerStats } from '#api/client/containers.ts';
import type { StatsRow } from '../format/stats-fields.ts';

/** Milliseconds after which the last figures say nothing any more. */
const STALE = 2000;

/** The containers whose use is shown, in the order in which they came, each with a stream of its own. */
export class Watched {
  readonly #client: Client;
  readonly #rows = new Map<string, Row>();

  constructor(client: Client) {
    this.#client = client;
  }

  /** Once added, a container is watched until it is removed here or there. Resolves with its first figures. */
  async add(container: string): Promise<void> {
    if (this.#rows.has(container)) return;
    const row: Row = { container, stop: new AbortController(), ended: false, at: 0 };
    this.#rows.set(container, row);
    const stream = await containerStats(this.#client, container, { stream: true }, row.stop.signal);
    const first = Promise.withResolvers<void>();
    void follow(row, stream, first.resolve).finally(first.resolve);
    await first.promise;
  }

  drop(container: string): void {
    this.#rows.get(container)?.stop.abort();
    this.#rows.delete(container);
  }

  dropAll(): void {
    for (const container of [...this.#rows.keys()]) this.drop(container);
  }

  /** None of them will ever have new figures. */
  get ended(): boolean {
    return [...this.#rows.values()].every((row) => row.ended);
  }

  rows(): StatsRow[] {
    const oldest = performance.now() - STALE;
    return [...this.#rows.values()].map(({ container, stats, ended, at }) =>
      ended || at < oldest ? { container } : { container, stats },
    );
  }
}

interface Row extends StatsRow {
  stop: AbortController;
  ended: boolean;
  /** When the figures came. */
  at: number;
}

/** A stream that breaks ends like one whose container is gone: the row stays, without figures. */
async function follow(row: Row, stream: AsyncIterable<NonNullable<Row['stats']>>, onFirst: () => void): Promise<void> {
  try {
    for await (const stats of stream) {
      row.stats = stats;
      row.at = performance.now();
      onFirst();
    }
  } catch {
    // the same as its end
  } finally {
    row.ended = true;
  }
}
