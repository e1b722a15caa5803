/**
 * What the launcher does for the engine: everything that could block or that must not happen inside a Node process.
 * `launcher.ts` is the client of the real one. Consumers take the narrow part they need (`Pick<Launcher, 'mount'>`).
 * Every failed operation rejects with an EngineError of kind `system` whose `code` is the errno name (`EBUSY`) and
 * whose message names the operation, its object and the kernel's own text (for mounts: the fs context's log).
 */
export interface Launcher {
  /** fsopen + fsconfig (each option in order; `null` value = flag) + fsmount + move_mount onto `target`. */
  mount(request: MountRequest): Promise<void>;
  /** open_tree(OPEN_TREE_CLONE) of `source`, optional mount attributes and propagation, move_mount onto `target`. */
  bind(request: BindRequest): Promise<void>;
  /**
   * umount2(target, detach ? MNT_DETACH : 0). A target that is not mounted is not an error; one that is busy is tried
   * again for a second.
   */
  unmount(target: string, options?: { detach?: boolean }): Promise<void>;
  /** A new network namespace with `lo` up, pinned by a bind mount on `path` (created as an empty file). */
  createNetns(path: string): Promise<void>;
  /** Unpins a namespace and removes the file; the kernel tears the rest down later. */
  deleteNetns(path: string): Promise<void>;
  /** Sends one or more concatenated netlink messages in a namespace and gives all replies; rejects when there are none. */
  netlink(request: NetlinkRequest): Promise<Buffer>;
  /**
   * Runs nft commands as one transaction in a namespace, the engine's own by default; gives the output of nft, up to
   * 896 KiB. Fails with its text, which quotes the command. Deleting takes about 11 ms (an RCU grace period).
   */
  nft(commands: string, options?: { json?: boolean; netns?: string }): Promise<string>;
  /** Starts a process that outlives engine and launcher. stdio is /dev/null, unless asked for no other descriptor is inherited. */
  spawn(request: SpawnRequest): Promise<{ pid: number }>;
  /**
   * Runs a program to its end and gives what it printed, of each stream 64 KiB; it cannot write more than 4 MiB. When the
   * engine dies it is killed, before the next one starts.
   */
  run(request: RunRequest): Promise<RunResult>;
  /** Makes the launcher hold a copy of the engine's descriptor `fd` under `key`, for the next engine. */
  keepDescriptor(key: string, fd: number): Promise<void>;
  /** Forgets a kept descriptor or a held port; unknown keys are fine. */
  release(key: string): Promise<void>;
  /** Binds (does not listen on) a port and holds it; rejects with code EADDRINUSE when it is taken. */
  holdPort(request: HoldPortRequest): Promise<void>;
  /**
   * Resolves when the process ends, at once when it already has. `startTime` (field 22 of /proc/PID/stat) guards against
   * a reused pid. Rejects with kind `cancelled` on abort.
   */
  watchPid(pid: number, startTime: string, signal?: AbortSignal): Promise<PidExit>;
  /** Descriptors that an earlier engine had kept: key -> descriptor number in this process. */
  readonly kept: ReadonlyMap<string, number>;
  /** Keys of the ports that the launcher holds for an earlier engine. */
  heldPorts(): Promise<string[]>;
  /** The engine serves: it is announced to the service manager, and from now on the launcher restarts one that dies. */
  ready(): Promise<void>;
  /** The engine is about to end, as it was told to: the service manager hears it. */
  stopping(): Promise<void>;
  /** Ends the connection without calling `onLost`. The launcher itself goes on. */
  close(): void;
}

export interface MountRequest {
  fstype: string;
  options: [key: string, value: string | null][];
  /** MOUNT_ATTR_* bits for fsmount. */
  attributes?: number;
  target: string;
}

export interface BindRequest {
  source: string;
  target: string;
  recursive?: boolean;
  attributesSet?: number;
  attributesClear?: number;
  /** MS_PRIVATE, MS_SLAVE, MS_SHARED or MS_UNBINDABLE. */
  propagation?: number;
}

export interface NetlinkRequest {
  /** Path of the pinned namespace; absent = the engine's own. */
  netns?: string;
  /** NETLINK_ROUTE = 0, ... */
  protocol: number;
  messages: Buffer;
  /** Opens this namespace and writes its descriptor number (u32, host order) at `offset` into `messages` first. */
  namespaceFd?: { path: string; offset: number };
}

export interface SpawnRequest {
  /** The program is looked up in the launcher's PATH unless it has a slash; its environment is a PATH. */
  argv: string[];
  /** Working directory; with `listenSocket` it is always the socket's folder. */
  cwd?: string;
  /** A unix socket (SOCK_STREAM, mode 0600) that listens there and is the process's descriptor 3; it may be connected to at once. */
  listenSocket?: string;
  /** A read-only mount of this file is the process's descriptor 0 (O_PATH), /dev/null if there is no such file. */
  readOnly?: string;
}

export interface RunRequest {
  argv: string[];
  /** Path of the pinned network namespace to run in; absent = the engine's own. */
  netns?: string;
  stdin?: Buffer;
  /** Kills the program after this many milliseconds; the result then has signal SIGKILL. */
  timeoutMs?: number;
}

export interface RunResult {
  code: number | null;
  signal: number | null;
  stdout: Buffer;
  stderr: Buffer;
}

export interface HoldPortRequest {
  key: string;
  protocol: 'tcp' | 'udp' | 'sctp';
  /** An IPv4 or IPv6 address; `0.0.0.0` and `::` for all. */
  address: string;
  port: number;
}

export interface PidExit {
  /** Neither is set when the kernel no longer knows: reaped before we looked, and older than 6.15 (PIDFD_INFO_EXIT). */
  code?: number;
  signal?: number;
}
