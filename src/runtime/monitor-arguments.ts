import { join } from 'node:path';

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
  /** The monitor's working directory, for pid file, runtime log and console socket; one per monitor. */
  directory: string;
  /** Where the exit record goes; its directory exists, and the file if it is made durable (`blankExitRecord`). */
  exitFile: string;
  /** The exit record is on the disk before anybody hears of the exit, for it matters beyond this boot. */
  exitSync?: boolean;
  tty?: boolean;
  openStdin?: boolean;
  /** stdin closes when the first client that writes to it goes away. */
  stdinOnce?: boolean;
  /** The cgroup's file with an `oom_kill N` line: memory.oom_control (v1) or memory.events (v2). */
  oomFile?: string;
  /** Seconds that the runtime's `delete` may take. Default 10. */
  cleanupTimeout?: number;
  /** Absent = no log. */
  log?: LogOptions;
}

const DEFAULT_CLEANUP_TIMEOUT = 10;

/** Docker's json-file log. */
export interface LogOptions {
  path: string;
  /** Bytes; a file that has reached them is rotated before the next line. Absent = unlimited. */
  maxSize?: number;
  /** Files that are kept, the current one included. Default 1. */
  maxFiles?: number;
  /** Rotated files are compressed by gzip, and get its suffix. */
  compress?: boolean;
  /** Lines that find this many bytes waiting for the disk are dropped. Absent = the container waits instead. */
  nonBlockingBuffer?: number;
  /** JSON object for `attrs` of every line. */
  attributes?: string;
}

/**
 * Command line of a monitor, without the program's own path: its options, the runtime's command line that starts the
 * container or exec, and the one that removes the container. The monitor's working directory is `directory`; CONSOLE
 * stands for the path of its console socket.
 */
export function monitorArguments(options: MonitorOptions): string[] {
  const { log } = options;
  return [
    ...option('exit-file', options.exitFile),
    ...flag('exit-sync', options.exitSync),
    ...option('oom-file', options.oomFile),
    ...option('cleanup-timeout', options.cleanupTimeout ?? DEFAULT_CLEANUP_TIMEOUT),
    ...flag('tty', options.tty),
    ...flag('stdin', options.openStdin),
    ...flag('stdin-once', options.stdinOnce),
    ...option('log', log?.path),
    ...option('log-max-size', log?.maxSize),
    ...option('log-max-files', log?.maxFiles),
    ...flag('log-compress', log?.compress),
    ...option('log-buffer', log?.nonBlockingBuffer),
    ...option('log-attributes', log?.attributes),
    '--',
    ...startCommand(options),
    ...('bundle' in options.what ? ['--', ...runtimeCommand(options), 'delete', '--force', options.id] : []),
  ];
}

function startCommand(options: MonitorOptions): string[] {
  const { what, directory, tty, id } = options;
  return [
    ...runtimeCommand(options),
    ...('bundle' in what ? ['run', '--detach', '--bundle', what.bundle] : ['exec', '--detach']),
    ...('execProcess' in what ? ['--process', what.execProcess] : []),
    ...['--pid-file', join(directory, 'pid')],
    ...(tty ? ['--console-socket', 'CONSOLE'] : []),
    id,
  ];
}

/** Not `--log-format json`: crun would print JSON to the container's stderr when execve fails. */
function runtimeCommand({ runtime, runtimeRoot, runtimeArguments = [], directory }: MonitorOptions): string[] {
  return [runtime, ...runtimeArguments, '--root', runtimeRoot, '--log', join(directory, 'runtime.log')];
}

function option(name: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [`--${name}=${value}`];
}

function flag(name: string, value: boolean | undefined): string[] {
  return value ? [`--${name}`] : [];
}
