import type { ExecStore } from '#container/exec-store.ts';
import type { ContainerStore } from '#container/store.ts';
import type { EngineError } from '#errors/errors.ts';
import type { EventLog } from '#events/events.ts';
import type { EventJournal } from '#events/journal.ts';
import type { Graph } from '#graph/graph.ts';
import type { GraphDriver } from '#graphdriver/driver.ts';
import type { Mutex } from '#lib/locks.ts';
import type { Logger } from '#lib/log.ts';
import type { KeyedTimers } from '#lib/timers.ts';
import type { CgroupSupport } from '#linux/cgroup.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import type { Database } from '#metadata/database.ts';
import type { Networks } from '#network/networks.ts';
import type { RegistryClient } from '#registry/client.ts';
import type { CdiLibrary } from '#runtime/cdi/library.ts';
import type { HostFacts } from '#runtime/spec/host-facts.ts';
import type { Sampler } from '#stats/sampler.ts';
import type { VolumeStore } from '#volume/volumes.ts';
import type { DaemonConfig } from './config/config.ts';
import type { Paths } from './paths.ts';
import type { Runtimes } from './runtimes.ts';

/** Everything the verbs work with. */
export interface Engine {
  config: DaemonConfig;
  /** Set = nothing may be changed; every verb that would is refused with it. */
  readOnly: EngineError | undefined;
  /** Of this data-root, for `/info`. */
  id: string;
  bootId: string;
  paths: Paths;
  launcher: Launcher;
  database: Database;
  driver: GraphDriver;
  graph: Graph;
  registry: RegistryClient;
  networks: Networks;
  volumes: VolumeStore;
  containers: ContainerStore;
  execs: ExecStore;
  events: EventLog;
  /** Where the next engine finds this one's events. */
  journal: EventJournal;
  stats: Sampler;
  runtimes: Runtimes;
  cdi: CdiLibrary;
  host: HostFacts;
  cgroups: CgroupSupport;
  /** To be called when a start is likely to follow soon. */
  warmCgroups(): void;
  log: Logger;
  /** The engine ends: nothing starts by itself any more, and a start that fails now is left to the next engine. */
  ending: boolean;
  /** Starts by restart policies that are still to come, by container. */
  restarts: KeyedTimers;
  /** One check of the store at a time. */
  check: Mutex;
  /** One change of the groups' real-time budgets at a time. */
  realtime: Mutex;
  /** Program paths. */
  monitor: string;
  init: string;
  /** Work that goes on after a reply; awaited when the engine ends. */
  background: Background;
}

/** What comes before everything else when an engine ends; may be called again. */
export function beginEnd(engine: Engine): void {
  engine.ending = true;
  engine.restarts.close();
}

/** Keeps track of clean-up that nobody waits for. Its failures are logged. */
export class Background {
  readonly #log: Logger;
  readonly #running = new Set<Promise<void>>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Starts `work`; the promise never rejects. */
  run(what: string, work: () => Promise<void>): Promise<void> {
    const running = work()
      .catch((error: Error) => this.#log.error(`${what} failed`, { error: error.message, stack: error.stack }))
      .then(() => void this.#running.delete(running));
    this.#running.add(running);
    return running;
  }

  /** Like `run` for work that lasts as long as a container: the engine's end does not wait for it. */
  detached(what: string, work: () => Promise<void>): void {
    work().catch((error: Error) => this.#log.error(`${what} failed`, { error: error.message, stack: error.stack }));
  }

  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
