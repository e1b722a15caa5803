import type { Health } from '#api/types/container.ts';
import type { Config } from '#api/types/container-config.ts';
import type { HostConfig } from '#api/types/host-config.ts';
import type { MountPoint } from '#api/types/mount.ts';
import type { NetworkingConfig } from '#api/types/network.ts';
import type { Digest } from '#lib/digest.ts';
import { parseExact, stringifyExact } from '#lib/json.ts';
import type { Sandbox } from '#network/sandbox.ts';
import type { ResolvedMount } from '#volume/resolved-mount.ts';

/** What the database keeps of a container: all that a new engine needs. Plain data, times in ns as bigints. */
export interface ContainerRecord {
  version: 1;
  id: string;
  /** Without a slash. */
  name: string;
  created: bigint;
  /** The image's id, `sha256:...`. */
  imageId: Digest;
  /** diffIDs, bottom first. */
  chain: Digest[];
  /** Merged with the image's. */
  config: Config;
  /** With defaults filled. */
  hostConfig: HostConfig;
  networkingConfig: NetworkingConfig;
  /** What inspect shows. */
  mountPoints: MountPoint[];
  /** What the runtime gets: the same in the same order, then each `--tmpfs`. */
  mounts: ResolvedMount[];
  /** The images among them, each with a layer of its own over the image's. */
  imageMounts?: ImageMount[];
  /** Anonymous volumes that go with the container (`rm -v`, `--rm`). */
  anonymousVolumes: string[];
  platform: string;
  driver: string;
  state: StateRecord;
  /** Present while the container has one. */
  sandbox?: Sandbox;
  /** The control group of its last run, below the root of every hierarchy; the engine may be configured otherwise since. */
  cgroup?: string;
  /** How often a restart policy has started it again since it was last started otherwise. */
  restartCount: number;
  /** Milliseconds that the last of these waited; absent = there was none. */
  restartDelay?: number;
}

/** An image that is mounted into a container. */
export interface ImageMount {
  imageId: string;
  /** diffIDs, bottom first. */
  chain: Digest[];
  /** Name of the graph driver's layer; begins with the container's id. */
  layer: string;
}

/** Every layer that a container's files come from. */
export function layersOf({ chain, imageMounts = [] }: Pick<ContainerRecord, 'chain' | 'imageMounts'>): Digest[] {
  return [...chain, ...imageMounts.flatMap((mount) => mount.chain)];
}

export type Status = 'created' | 'running' | 'restarting' | 'exited' | 'dead';

export interface StateRecord {
  status: Status;
  /** 0 without a process. */
  pid: number;
  /** Field 22 of /proc/PID/stat and the boot it belongs to: with the pid, the identity of the process. */
  processStartTime: string;
  bootId: string;
  exitCode: number;
  /** Why it did not start, or why its end is not known. */
  error: string;
  oomKilled: boolean;
  /** 0n = never. */
  startedAt: bigint;
  finishedAt: bigint;
  /** Its processes are frozen; it is running all the same. */
  paused: boolean;
  /** Somebody stopped it: restart policies leave it alone. */
  stoppedByUser: boolean;
  /** As far as its health check has found out; absent without one, and before the first start. */
  health?: Health;
}

export const CREATED_STATE: Readonly<StateRecord> = Object.freeze({
  status: 'created',
  pid: 0,
  processStartTime: '',
  bootId: '',
  exitCode: 0,
  error: '',
  oomKilled: false,
  startedAt: 0n,
  finishedAt: 0n,
  paused: false,
  stoppedByUser: false,
});

export function serializeRecord(record: ContainerRecord): string {
  return stringifyExact(record);
}

/** Throws SyntaxError or TypeError for text that is not a record. */
export function parseRecord(text: string): ContainerRecord {
  const record = parseExact(text) as ContainerRecord;
  if (record?.version !== 1) throw new TypeError(`container record of version ${record?.version}`);
  record.created = BigInt(record.created);
  record.state.startedAt = BigInt(record.state.startedAt);
  record.state.finishedAt = BigInt(record.state.finishedAt);
  return record;
}
