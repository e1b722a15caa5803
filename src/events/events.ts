import type { EventMessage, EventType } from '#api/types/event.ts';
import { checkFilterNames, type Filters, matchesAny, matchesExactly, matchesLabels } from '#lib/filters.ts';
import { nowNs } from '#lib/time.ts';

/** How many past events `since` can reach. */
export const HISTORY_LIMIT = 1024;
/** How many undelivered events a listener may have before it is cut off. */
const LISTENER_LIMIT = 65_536;

/** Object kinds that may be given as `type` and as a filter of their own (`container=NAME`). */
const TYPES = ['container', 'image', 'volume', 'network', 'daemon', 'plugin', 'service', 'node', 'secret', 'config'];
const FILTER_NAMES = new Set(['type', 'event', 'label', 'scope', ...TYPES]);

export interface EventQuery {
  /** ns; past events from then on come first. */
  since?: bigint;
  /** ns; the stream ends there. */
  until?: bigint;
  filters: Filters;
}

interface Listener {
  queue: EventMessage[];
  wake: () => void;
  cutOff: boolean;
}

/** The engine's events: publish them, look back, listen. */
export class EventLog {
  readonly #history: EventMessage[];
  readonly #keep: (event: EventMessage) => void;
  readonly #listeners = new Set<Listener>();

  /** `past` = what the engine before has told; `keep` gets every new event. */
  constructor(past: readonly EventMessage[] = [], keep: (event: EventMessage) => void = () => {}) {
    this.#history = [...past];
    this.#keep = keep;
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  publish(type: EventType, action: string, id: string, attributes: Record<string, string> = {}): void {
    const time = nowNs();
    const event: EventMessage = {
      Type: type,
      Action: action,
      Actor: { ID: id, Attributes: attributes },
      scope: 'local',
      time: Number(time / 1_000_000_000n),
      timeNano: time,
    };
    this.#history.push(event);
    if (this.#history.length > HISTORY_LIMIT) this.#history.shift();
    this.#keep(event);
    for (const listener of this.#listeners) deliver(listener, event);
  }

  /** Past events (only with `since`, or `until` in the past), then new ones until `until` or the signal's end. */
  async *stream(query: EventQuery, signal: AbortSignal): AsyncGenerator<EventMessage> {
    checkFilterNames(query.filters, FILTER_NAMES);
    const listener: Listener = { queue: [], wake: () => {}, cutOff: false };
    const wake = () => listener.wake();
    this.#listeners.add(listener);
    signal.addEventListener('abort', wake);
    const finished = () => signal.aborted || (query.until !== undefined && nowNs() >= query.until);
    try {
      if (query.since !== undefined || query.until !== undefined) {
        for (const event of this.#history.slice()) if (matches(event, query)) yield event;
      }
      for (;;) {
        for (const event of listener.queue.splice(0)) if (matches(event, query)) yield event;
        if (finished() || listener.cutOff) return;
        if (listener.queue.length > 0) continue;
        await wakeUp(listener, query.until);
      }
    } finally {
      signal.removeEventListener('abort', wake);
      this.#listeners.delete(listener);
    }
  }
}

function deliver(listener: Listener, event: EventMessage): void {
  if (listener.queue.length >= LISTENER_LIMIT) listener.cutOff = true;
  else listener.queue.push(event);
  listener.wake();
}

/** Resolves at the next call of `listener.wake`, or when `until` (ns) is reached. */
async function wakeUp(listener: Listener, until: bigint | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  listener.wake = resolve;
  const millis = until === undefined ? undefined : Number((until - nowNs()) / 1_000_000n) + 1;
  const timer = millis === undefined ? undefined : setTimeout(resolve, Math.min(Math.max(millis, 0), 2 ** 31 - 1));
  await promise;
  clearTimeout(timer);
}

function matches(event: EventMessage, { since, until, filters }: EventQuery): boolean {
  const time = BigInt(event.timeNano);
  if ((since !== undefined && time < since) || (until !== undefined && time > until)) return false;
  const action = event.Action.split(':')[0]!;
  return (
    matchesExactly(filters, 'type', event.Type) &&
    matchesExactly(filters, 'scope', event.scope) &&
    matchesAny(filters, 'event', (wanted) => wanted === event.Action || wanted === action) &&
    matchesLabels(filters, 'label', event.Actor.Attributes) &&
    TYPES.every((type) => !filters.has(type) || (event.Type === type && matchesActor(event, filters, type)))
  );
}

/** Objects are named by id, by a prefix of it, or by name; images also by name without a tag. */
function matchesActor(event: EventMessage, filters: Filters, type: string): boolean {
  const { ID, Attributes } = event.Actor;
  const name = Attributes.name ?? '';
  return matchesAny(filters, type, (wanted) => {
    if (wanted === ID || wanted === name || (wanted.length > 0 && ID.startsWith(wanted))) return true;
    return type === 'image' && (ID.replace(/:[^:/]+$/, '') === wanted || name.replace(/:[^:/]+$/, '') === wanted);
  });
}
