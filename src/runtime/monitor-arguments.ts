/** What a monitor has to know about its container or exec. All paths are absolute. */
export interface MonitorOptions {
  /** Path of the OCI runtime and the directory of its state. */
  runtime: string;
  runtimeRoot: string;
  /** Global options of the runtime, such as `--systemd-cgroup`. */
  runtimeArguments?: string[];
  /** The container's id at the runtime. */
  id: string;
  /** The bundle of a container, or the process document of an exec in the container `id`. */
  what: { bundle: string } | { execProcess: string };
  /** An existing directory for pid file, runtime log and console socket; one per monitor. */
  directory: string;
  /** Where the exit record goes; its directory exists. */
  exitFile: string;
  tty?: boolean;
  openStdin?: boolean;
  /** stdin closes when the first client that writes to it goes away. */
  stdinOnce?: boolean;
  /** cgroup files with an `oom_kill N` line: memory.oom_control (v1) or memory.events (v2). */
  oomFiles?: string[];
  /** Seconds that the runtime's `delete` may take. */
  cleanupTimeout?: number;
  /** Absent = no log. */
  log?: LogOptions;
}

/** Docker's json-file log. */
export interface LogOptions {
  path: string;
  /** Bytes; a file that has reached them is rotated before the next line. Absent = unlimited. */
  maxSize?: number;
  /** Files that are kept, the current one included. Default 1. */
  maxFiles?: number;
  /** Lines that find this many bytes waiting for the disk are dropped. Absent = the container waits instead. */
  nonBlockingBuffer?: number;
  /** JSON object for `attrs` of every line. */
  attributes?: string;
}

/** Command line of a monitor, without the program's own path. */
export function monitorArguments(options: MonitorOptions): string[] {
  const { what, log } = options;
  return [
    ...option('runtime', options.runtime),
    ...option('runtime-root', options.runtimeRoot),
    ...(options.runtimeArguments ?? []).flatMap((argument) => option('runtime-arg', argument)),
    ...option('id', options.id),
    ...('bundle' in what ? option('bundle', what.bundle) : option('exec', what.execProcess)),
    ...option('dir', options.directory),
    ...option('exit-file', options.exitFile),
    ...(options.oomFiles ?? []).flatMap((file) => option('oom-file', file)),
    ...option('cleanup-timeout', options.cleanupTimeout),
    ...flag('tty', options.tty),
    ...flag('stdin', options.openStdin),
    ...flag('stdin-once', options.stdinOnce),
    ...option('log', log?.path),
    ...option('log-max-size', log?.maxSize),
    ...option('log-max-files', log?.maxFiles),
    ...option('log-buffer', log?.nonBlockingBuffer),
    ...option('log-attributes', log?.attributes),
  ];
}

function option(name: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [`--${name}=${value}`];
}

function flag(name: string, value: boolean | undefined): string[] {
  return value ? [`--${name}`] : [];
}
