import type { ExecInspect } from '#api/types/exec.ts';
import type { MonitorControl } from '#runtime/monitor.ts';
import type { Framing, MonitorStream } from '#runtime/monitor-stream.ts';
import type { Container } from './container.ts';
import { parseDetachKeys } from './detach-keys.ts';

/** What was asked for at creation: what is kept of an exec beside how it ended. */
export interface ExecRecord {
  version: 1;
  /** 64 hex digits. */
  id: string;
  command: string[];
  /** Over the container's environment; a bare name takes a variable away. */
  env: string[];
  /** Empty = the user that the container runs as. */
  user: string;
  workingDir: string;
  privileged: boolean;
  tty: boolean;
  /** In characters; absent = the start decides. */
  consoleSize?: ConsoleSize;
  streams: { stdin: boolean; stdout: boolean; stderr: boolean };
  /** Empty = the default ones on a terminal. */
  detachKeys: string;
  /** The engine's own, such as a look at a container's health: it ends with the engine. */
  forEngine?: boolean;
}

export interface ConsoleSize {
  height: number;
  width: number;
}

/** What the start of an exec says. */
export interface ExecStart {
  /** In characters. */
  consoleSize: ConsoleSize | undefined;
  /** In which form its streams are wanted; undefined = it is left to itself. */
  framing: Framing | undefined;
}

/** An exec whose process is described, and whose monitor waits for its START. */
export interface PreparedExec {
  monitor: MonitorControl;
  /** Its streams, of which no byte is missing; undefined when none were wanted or none exist. */
  stream: MonitorStream | undefined;
}

/** Throws SyntaxError or TypeError for text that is not a record. */
export function parseExecRecord(text: string): ExecRecord {
  const record = JSON.parse(text) as ExecRecord;
  if (record?.version !== 1) throw new TypeError(`exec record of version ${record?.version}`);
  return record;
}

/** A further process in a running container, from its creation until it is forgotten. It starts once at most. */
export class Exec {
  readonly record: ExecRecord;
  readonly container: Container;
  /** Resolves with the exit code when it is known. */
  readonly ended: Promise<number>;
  /** Resolves when the process is there, or will never be. */
  readonly started: Promise<void>;
  status: 'created' | 'running' | 'ended' = 'created';
  /** On the host; 0 while there has been none. */
  pid = 0;
  exitCode: number | null = null;
  /** Made ready for a start that has not come yet, as `start` says it. */
  ready: { start: ExecStart; prepared: Promise<PreparedExec> } | undefined;
  /** The monitor's control connection while the process runs. */
  monitor: MonitorControl | undefined;
  /** A sweep has found it ended: the next one forgets it. */
  expired = false;
  readonly #started = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<number>();

  constructor(container: Container, record: ExecRecord) {
    this.container = container;
    this.record = record;
    this.started = this.#started.promise;
    this.ended = this.#ended.promise;
  }

  get id(): string {
    return this.record.id;
  }

  /** A start has begun, which nobody else can begin any more. */
  markStarting(): void {
    this.status = 'running';
  }

  markStarted(pid: number, monitor: MonitorControl): void {
    this.status = 'running';
    this.pid = pid;
    this.monitor = monitor;
    this.#started.resolve();
  }

  /** It has ended, or could not be started. */
  markEnded(exitCode: number): void {
    this.status = 'ended';
    this.exitCode = exitCode;
    this.monitor = undefined;
    this.container.dropExec(this.id);
    this.#started.resolve();
    this.#ended.resolve(exitCode);
  }
}

/** The wire form of `GET /exec/{id}/json`. */
export function execView({ record, container, status, exitCode, expired, pid }: Exec): ExecInspect {
  const [entrypoint = '', ...args] = record.command;
  const { tty, privileged, user, streams, detachKeys } = record;
  return {
    ID: record.id,
    Running: status === 'running',
    ExitCode: exitCode,
    ProcessConfig: { tty, entrypoint, arguments: args, privileged, ...(user && { user }) },
    OpenStdin: streams.stdin,
    OpenStderr: streams.stderr,
    OpenStdout: streams.stdout,
    CanRemove: expired,
    ContainerID: container.id,
    DetachKeys: detachKeys ? parseDetachKeys(detachKeys).toString('base64') : '',
    Pid: pid,
  };
}
