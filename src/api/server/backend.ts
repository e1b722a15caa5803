import type { Duplex, Readable } from 'node:stream';
import type { CheckProblem, CheckSummary } from '#api/types/check.ts';
import type {
  ContainerCreateResponse,
  ContainerInspect,
  ContainerPathStat,
  ContainerPruneResponse,
  ContainerSummary,
  ContainerUpdateRequest,
  ContainerUpdateResponse,
  FilesystemChange,
  TopResponse,
  WaitCondition,
  WaitResponse,
} from '#api/types/container.ts';
import type { Config } from '#api/types/container-config.ts';
import type { DiskUsage, DiskUsageType } from '#api/types/disk-usage.ts';
import type { EventMessage } from '#api/types/event.ts';
import type { ExecInspect } from '#api/types/exec.ts';
import type { HostConfig } from '#api/types/host-config.ts';
import type {
  HistoryResponseItem,
  ImageDeleteResponseItem,
  ImageInspect,
  ImagePruneResponse,
  ImageSummary,
  OciPlatform,
  ProgressMessage,
} from '#api/types/image.ts';
import type { ImageGraph } from '#api/types/image-graph.ts';
import type {
  Network,
  NetworkConnectRequest,
  NetworkCreateRequest,
  NetworkCreateResponse,
  NetworkDisconnectRequest,
  NetworkingConfig,
  NetworkPruneResponse,
} from '#api/types/network.ts';
import type {
  AuthConfig,
  AuthResponse,
  DistributionInspect,
  DistributionPut,
  SearchResult,
} from '#api/types/registry.ts';
import type { StatsResponse } from '#api/types/stats.ts';
import type { SystemInfo, SystemVersion } from '#api/types/system.ts';
import type { Volume, VolumeCreateRequest, VolumeListResponse, VolumePruneResponse } from '#api/types/volume.ts';
import type { ClientSocket, Receivable, Sendable } from '#lib/client-socket.ts';
import type { Filters } from '#lib/filters.ts';

/**
 * What the server needs of the engine. Names of containers and images come as the client wrote them, already
 * percent-decoded; resolving them, and every check that needs to know more than the request, is the engine's.
 * A method that fails rejects with an EngineError, whose kind gives the status. An AbortSignal fires when the client
 * has gone: work that only this client wanted is then given up. What is given back is not changed afterwards; when the
 * engine freezes an object (shallowly) and gives the same one again, it is not serialised again.
 */
export interface Backend {
  system: SystemBackend;
  images: ImageBackend;
  containers: ContainerBackend;
  execs: ExecBackend;
  files: ContainerFilesBackend;
  /** Absent = this engine manages no networks through the API. */
  networks?: NetworkBackend;
  /** Absent = this engine manages no volumes through the API. */
  volumes?: VolumeBackend;
}

export interface SystemBackend {
  info(): Promise<SystemInfo>;
  version(): Promise<SystemVersion>;
  /**
   * Events from `since` on, first the kept ones; ends at `until`, else when the client goes. Times are ns. A query that
   * is refused fails at the first step. A listener that does not keep up is the engine's to bound.
   */
  events(query: { since?: bigint; until?: bigint; filters: Filters }, signal: AbortSignal): AsyncIterable<EventMessage>;
  /** `GET /system/df`, for these kinds of objects. */
  diskUsage(types: ReadonlySet<DiskUsageType>): Promise<DiskUsage>;
  /** Compares the store with itself; `repair`: puts right what can be. See `daemon/check/check.ts`. */
  check(
    options: { repair: boolean },
    listener: { problem(problem: CheckProblem): void; progress(done: number, total: number): void },
    signal: AbortSignal,
  ): Promise<CheckSummary>;
  /** Whether a registry takes these credentials. */
  authenticate(auth: AuthConfig, signal: AbortSignal): Promise<AuthResponse>;
  /** A client has connected: its requests follow within milliseconds. */
  welcome?(): void;
}

export interface ImageBackend {
  list(query: ImageListQuery): Promise<readonly ImageSummary[]>;
  inspect(name: string, query: { platform?: OciPlatform; manifests?: boolean }): Promise<ImageInspect>;
  history(name: string, query: { platform?: OciPlatform }): Promise<readonly HistoryResponseItem[]>;
  /** `repo` is a familiar name without tag, `tag` may be empty. */
  tag(name: string, target: { repo: string; tag: string }): Promise<void>;
  remove(name: string, options: { force: boolean; noprune: boolean }): Promise<ImageDeleteResponseItem[]>;
  prune(filters: Filters): Promise<ImagePruneResponse>;
  /** How images stand on layers. */
  graph(): Promise<ImageGraph>;
  /**
   * Loads the images of the archive `body`. What fails before the first `emit` becomes the reply's status; later
   * failures end the stream with an `errorDetail`.
   */
  load(
    body: AsyncIterable<Buffer>,
    options: { quiet: boolean; platforms: readonly OciPlatform[] },
    emit: (message: ProgressMessage) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /** Makes an image of the tar that `body` is, or that is found at the URL `source`. Fails as `load` does. */
  import(request: ImageImportRequest, emit: (message: ProgressMessage) => void, signal: AbortSignal): Promise<void>;
  /** Pulls an image from its registry, or all of a repository's. Fails as `load` does. */
  pull(request: ImagePullRequest, emit: (message: ProgressMessage) => void, signal: AbortSignal): Promise<void>;
  /** Pushes one tag of a repository, or all. Fails as `load` does. */
  push(request: ImagePushRequest, emit: (message: ProgressMessage) => void, signal: AbortSignal): Promise<void>;
  /** What registries know by a term. */
  search(request: ImageSearchRequest, signal: AbortSignal): Promise<SearchResult[]>;
  /** What is at the registry under a name. */
  distribution(image: string, auth: AuthConfig | undefined, signal: AbortSignal): Promise<DistributionInspect>;
  /** A manifest or index as its registry has it. */
  remoteManifest(image: string, auth: AuthConfig | undefined, signal: AbortSignal): Promise<RemoteManifest>;
  /** Puts one to a registry. */
  putRemoteManifest(request: PutManifestRequest, signal: AbortSignal): Promise<DistributionPut>;
  /** An archive of the images; what is wrong with one of them rejects before there is a first byte. */
  save(names: readonly string[], query: { platforms: readonly OciPlatform[] }): Promise<AsyncIterable<Buffer>>;
}

export interface ImageImportRequest {
  /** `-` = the body. */
  source: string;
  body: AsyncIterable<Buffer>;
  /** A familiar name, with or without a tag; empty = the image gets none. */
  repo: string;
  /** Overrides the one in `repo` unless it is empty. */
  tag: string;
  message: string;
  /** Dockerfile instructions. */
  changes: readonly string[];
  platform?: OciPlatform;
}

export interface ImagePullRequest {
  /** A familiar name, with or without tag or digest. */
  image: string;
  /** A tag or a digest, which counts instead of the one in `image` unless it is empty. Neither = all tags. */
  tag: string;
  platform?: OciPlatform;
  auth?: AuthConfig;
}

export interface ImagePushRequest {
  /** A familiar name, with or without a tag. */
  image: string;
  /** Counts instead of the one in `image` unless it is empty. Neither = all tags. */
  tag: string;
  platform?: OciPlatform;
  auth?: AuthConfig;
}

export interface RemoteManifest {
  mediaType: string;
  digest: string;
  bytes: Buffer;
}

export interface PutManifestRequest {
  image: string;
  /** The repository that has its blobs; empty = that of `image`. */
  from: string;
  mediaType: string;
  bytes: Buffer;
  auth?: AuthConfig;
}

export interface ImageSearchRequest {
  /** `term`, or `host/term` for a registry other than Docker Hub. */
  term: string;
  /** 0 = the default. */
  limit: number;
  filters: Filters;
  auth?: AuthConfig;
}

export interface ImageListQuery {
  all: boolean;
  filters: Filters;
  sharedSize: boolean;
  digests: boolean;
  /** Tell of each image's manifests. */
  manifests: boolean;
}

export interface ContainerBackend {
  create(request: ContainerCreateRequest): Promise<ContainerCreateResponse>;
  list(query: ContainerListQuery): Promise<readonly ContainerSummary[]>;
  inspect(id: string, query: { size: boolean }): Promise<ContainerInspect>;
  /** `hostConfig` replaces the one of create; only clients before 1.24 send it. */
  start(id: string, options: { hostConfig?: HostConfig; detachKeys?: string }): Promise<void>;
  stop(id: string, options: StopOptions): Promise<void>;
  restart(id: string, options: StopOptions): Promise<void>;
  /** `signal` as the client wrote it: a number, `KILL` or `SIGKILL`; empty = SIGKILL. */
  kill(id: string, options: { signal: string }): Promise<void>;
  remove(id: string, options: { volumes: boolean; force: boolean; link: boolean }): Promise<void>;
  pause(id: string): Promise<void>;
  unpause(id: string): Promise<void>;
  rename(id: string, name: string): Promise<void>;
  update(id: string, request: ContainerUpdateRequest): Promise<ContainerUpdateResponse>;
  prune(filters: Filters): Promise<ContainerPruneResponse>;
  /** `psArguments` as for the program ps. */
  top(id: string, psArguments: string): Promise<TopResponse>;
  /** Resolves as soon as the waiter is registered, so that the client may start the container; `result` is the end. */
  wait(id: string, condition: WaitCondition, signal: AbortSignal): Promise<{ result: Promise<WaitResponse> }>;
  /** Samples, one a second; without `stream` one at most. Both options together are refused. */
  stats(
    id: string,
    query: { stream: boolean; oneShot: boolean },
    signal: AbortSignal,
  ): Promise<AsyncIterable<StatsResponse>>;
  /** The stream's chunks are ready for the wire: multiplexed frames, or raw bytes when there is a TTY. */
  logs(
    id: string,
    query: LogsQuery,
    signal: AbortSignal,
  ): Promise<{ tty: boolean; stream: AsyncIterable<Buffer> | Readable }>;
  /**
   * Throws what must become a status (no such container, not running, ...). After that the server has written its head
   * and `connect` owns the client: it writes wire-ready bytes, reads stdin (its end is stdin's end), keeps to
   * back-pressure, and resolves when the session is over; the server then ends what is left of the connection.
   */
  attach(id: string, options: AttachOptions): Promise<{ tty: boolean; connect(client: Duplex): Promise<void> }>;
  /** Characters. */
  resize(id: string, size: { height: number; width: number }): Promise<void>;
}

/** Who asked for bytes, and when they are no longer wanted. */
export interface Recipient {
  signal: AbortSignal;
  client: ClientSocket;
}

/** The files of containers. Paths are absolute, or count from the root. */
export interface ContainerFilesBackend {
  /** Sorted; a folder before what is in it. */
  changes(id: string): Promise<readonly FilesystemChange[]>;
  /** The whole root as a tar. */
  export(id: string, to: Recipient): Promise<Sendable>;
  /** A last link is not followed, unless the path ends with a slash. */
  stat(id: string, path: string): Promise<ContainerPathStat>;
  /** The same, and what is there as a tar. */
  read(id: string, path: string, to: Recipient): Promise<{ stat: ContainerPathStat; tar: Sendable }>;
  /** Makes what is in an archive, compressed or not, below a folder. */
  write(
    id: string,
    path: string,
    body: Receivable,
    options: { keepKinds: boolean; toUser: boolean; signal: AbortSignal },
  ): Promise<void>;
  /** As `read`, the last link followed: for clients before 1.24. */
  copy(id: string, path: string, to: Recipient): Promise<Sendable>;
  /** Makes an image of what a container has changed; gives its id. */
  commit(id: string, request: CommitRequest): Promise<string>;
}

export interface CommitRequest {
  /** What the image is called. */
  target?: { repo: string; tag?: string };
  comment: string;
  author: string;
  /** Stop the container's processes meanwhile. */
  pause: boolean;
  /** Dockerfile instructions. */
  changes: readonly string[];
  /** Comes before the container's own. */
  config?: Config;
}

export interface ContainerCreateRequest {
  /** Without a leading slash. */
  name?: string;
  platform?: OciPlatform;
  config: Config;
  hostConfig: HostConfig;
  networkingConfig: NetworkingConfig;
}

export interface ContainerListQuery {
  all: boolean;
  /** The newest so many, running or not; 0 = no limit. */
  limit: number;
  size: boolean;
  /** The older `since` and `before` parameters are in here, too. */
  filters: Filters;
}

export interface StopOptions {
  /** Seconds; -1 = wait for ever; absent = the container's own. */
  timeout?: number;
  /** As the client wrote it; absent = the container's own. */
  signal?: string;
}

export interface LogsQuery {
  stdout: boolean;
  stderr: boolean;
  follow: boolean;
  /** ns since 1970. */
  since?: bigint;
  /** ns since 1970. */
  until?: bigint;
  timestamps: boolean;
  /** Print the labels and variables chosen by the log options. */
  details: boolean;
  /** Lines from the end. */
  tail: number | 'all';
}

export interface AttachOptions {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  /** Attach to the running process. */
  stream: boolean;
  /** Give what was logged so far first. */
  logs: boolean;
  /** Never frames: bytes as they are, also without a terminal. */
  raw: boolean;
  /** `ctrl-p,ctrl-q` form; absent = the daemon's. */
  detachKeys?: string;
}

export interface ExecBackend {
  /** Gives the new exec's id. */
  create(container: string, request: ExecCreateRequest): Promise<string>;
  /**
   * As `attach` of a container. Whatever keeps the process from starting after the head has been written is text for the
   * client.
   */
  start(id: string, options: ExecStartOptions): Promise<{ connect(client: Duplex): Promise<void> }>;
  startDetached(id: string, options: ExecStartOptions): Promise<void>;
  /** Characters. */
  resize(id: string, size: { height: number; width: number }): Promise<void>;
  inspect(id: string): Promise<ExecInspect>;
}

export interface ExecCreateRequest {
  command: string[];
  env: string[];
  /** Empty = the container's, as for the next one. */
  user: string;
  workingDir: string;
  privileged: boolean;
  tty: boolean;
  /** Characters. */
  consoleSize?: { height: number; width: number };
  streams: { stdin: boolean; stdout: boolean; stderr: boolean };
  /** `ctrl-p,ctrl-q` form; empty = the daemon's. */
  detachKeys: string;
}

export interface ExecStartOptions {
  /** The client wants bytes as they are, not frames. */
  raw: boolean;
  /** Characters; wins over that of the creation. */
  consoleSize?: { height: number; width: number };
}

export interface NetworkBackend {
  /** Without the containers of each. */
  list(query: { filters: Filters }): Promise<readonly Network[]>;
  inspect(name: string, query: { verbose: boolean; scope?: string }): Promise<Network>;
  create(request: NetworkCreateRequest): Promise<NetworkCreateResponse>;
  connect(name: string, request: NetworkConnectRequest): Promise<void>;
  disconnect(name: string, request: NetworkDisconnectRequest): Promise<void>;
  remove(name: string): Promise<void>;
  prune(query: { filters: Filters }): Promise<NetworkPruneResponse>;
}

export interface VolumeBackend {
  list(query: { filters: Filters }): Promise<VolumeListResponse>;
  inspect(name: string): Promise<Volume>;
  /** An empty name asks for one; a volume that exists with the same options is given back. */
  create(request: VolumeCreateRequest): Promise<Volume>;
  remove(name: string, options: { force: boolean }): Promise<void>;
  prune(query: { filters: Filters }): Promise<VolumePruneResponse>;
}
