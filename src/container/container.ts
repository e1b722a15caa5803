import type { ContainerStatus, Health } from '#api/types/container.ts';
import type { HostConfig } from '#api/types/host-config.ts';
import { Mutex } from '#lib/locks.ts';
import type { Sandbox } from '#network/sandbox.ts';
import type { MonitorControl } from '#runtime/monitor.ts';
import type { PendingAttachment } from './attach.ts';
import type { ContainerRecord, StateRecord } from './record.ts';

/** What `wait` answers with. */
export interface ExitResult {
  exitCode: number;
  /** Why the code is not the process's own. */
  error?: string;
}

/**
 * A container of this engine: its record, and what ties the record to processes while they run. `state` changes at
 * once, in memory; whoever changes it also has it written (see ContainerStore.save).
 */
export class Container {
  readonly record: ContainerRecord;
  /** Verbs that change the container take turns: start, remove, rename, update. Never held while waiting for an exit. */
  readonly lock = new Mutex();
  /** Held while its /etc/hosts is rewritten. */
  readonly hostsLock = new Mutex();
  /** The monitor's control connection while the container runs (absent when its monitor was killed). */
  monitor: MonitorControl | undefined;
  /** Somebody attached before the start: they are subscribed before the first byte can be printed. */
  readonly pendingAttachments = new Set<PendingAttachment>();
  /** Resolves when the last run's mounts, network and runtime state are gone; a new start waits for it. */
  cleanup: Promise<void> = Promise.resolve();
  /** Ids of the execs that have not ended. */
  readonly execIds: ReadonlySet<string>;
  /** Processes of this run that were killed for want of memory, as far as that has been told. */
  oomKills = 0;
  removing = false;
  /** Ends when it is not looked after any more. */
  healthWatch: AbortController | undefined;
  /** `restart` is stopping it: auto-remove leaves it alone. */
  beingRestarted = false;
  /** Who reads or writes its files: while there is anybody its root stays mounted. */
  views = 0;
  /** Grows with every change that a view of the container could show. */
  revision = 0;
  readonly #exitWaiters = new Set<Waiter>();
  readonly #removalWaiters = new Set<Waiter>();
  readonly #execIds = new Set<string>();

  constructor(record: ContainerRecord) {
    this.record = record;
    this.execIds = this.#execIds;
  }

  get id(): string {
    return this.record.id;
  }

  get name(): string {
    return this.record.name;
  }

  get state(): StateRecord {
    return this.record.state;
  }

  /** It has a process. */
  get running(): boolean {
    return this.record.state.status === 'running';
  }

  /** It has ended, and its restart policy will start it again. */
  get restarting(): boolean {
    return this.record.state.status === 'restarting';
  }

  /** What clients call running: it does, or will again by itself. */
  get active(): boolean {
    return this.running || this.restarting;
  }

  /** What clients are told: a removal in progress and a pause show, too. */
  get status(): ContainerStatus {
    if (this.removing) return 'removing';
    const { status, paused } = this.record.state;
    return status === 'running' && paused ? 'paused' : status;
  }

  /**
   * The next time it exits, from now on; a removal without an exit counts, so that nobody waits for ever. Nothing is
   * kept, and the promise stays pending, once `signal` has aborted.
   */
  waitForExit(signal?: AbortSignal): Promise<ExitResult> {
    return register(this.#exitWaiters, signal);
  }

  /** When it is gone. */
  waitForRemoval(signal?: AbortSignal): Promise<ExitResult> {
    return register(this.#removalWaiters, signal);
  }

  setState(change: Partial<StateRecord>): void {
    Object.assign(this.record.state, change);
    this.revision++;
  }

  /** How often its policy has started it again, and the milliseconds that the last time waited. */
  setRestarts(count: number, delay?: number): void {
    this.record.restartCount = count;
    if (delay === undefined) delete this.record.restartDelay;
    else this.record.restartDelay = delay;
    this.revision++;
  }

  /** Undefined = it has no health check. */
  setHealth(health: Health | undefined): void {
    if (health) this.record.state.health = health;
    else delete this.record.state.health;
    this.revision++;
  }

  setName(name: string): void {
    this.record.name = name;
    this.revision++;
  }

  setHostConfig(hostConfig: HostConfig): void {
    this.record.hostConfig = hostConfig;
    this.revision++;
  }

  /** Its network as it has it now; undefined when it is given back. */
  setSandbox(sandbox: Sandbox | undefined): void {
    if (sandbox) this.record.sandbox = sandbox;
    else delete this.record.sandbox;
    this.revision++;
  }

  /** Its removal has begun: nothing else may begin, and `ps` says so. False = it has failed before anything was done. */
  markRemoving(removing = true): void {
    this.removing = removing;
    this.revision++;
  }

  addExec(id: string): void {
    this.#execIds.add(id);
    this.revision++;
  }

  dropExec(id: string): void {
    if (this.#execIds.delete(id)) this.revision++;
  }

  /** Tells those who wait for the exit that has just been recorded in `state`. */
  announceExit(): void {
    release(this.#exitWaiters, this.lastExit());
  }

  announceRemoval(): void {
    release(this.#exitWaiters, this.lastExit());
    release(this.#removalWaiters, this.lastExit());
    for (const attachment of this.pendingAttachments) attachment.cancel();
    this.pendingAttachments.clear();
  }

  lastExit(): ExitResult {
    const { exitCode, error } = this.record.state;
    return error ? { exitCode, error } : { exitCode };
  }
}

type Waiter = (result: ExitResult) => void;

function register(waiters: Set<Waiter>, signal: AbortSignal | undefined): Promise<ExitResult> {
  return new Promise((resolve) => {
    waiters.add(resolve);
    signal?.addEventListener('abort', () => waiters.delete(resolve), { once: true });
  });
}

function release(waiters: Set<Waiter>, result: ExitResult): void {
  for (const resolve of waiters) resolve(result);
  waiters.clear();
}
