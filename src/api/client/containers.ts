import type {
  ContainerCreateResponse,
  ContainerInspect,
  ContainerPruneResponse,
  ContainerSummary,
  ContainerUpdateRequest,
  ContainerUpdateResponse,
  TopResponse,
  WaitCondition,
  WaitResponse,
} from '#api/types/container.ts';
import type { Config } from '#api/types/container-config.ts';
import type { HostConfig } from '#api/types/host-config.ts';
import type { NetworkingConfig } from '#api/types/network.ts';
import type { StatsResponse } from '#api/types/stats.ts';
import type { Client, Hijacked } from './client.ts';
import { jsonObjects } from './json-objects.ts';

/** Filter name -> values. */
export type FilterValues = Record<string, string[]>;

export interface ListContainersQuery {
  all?: boolean;
  size?: boolean;
  /** At most so many of the newest, whatever their state. */
  limit?: number;
  filters?: FilterValues;
}

export function listContainers(client: Client, query: ListContainersQuery): Promise<ContainerSummary[]> {
  const filters = query.filters && Object.keys(query.filters).length > 0 ? query.filters : undefined;
  return client.json('GET', '/containers/json', { query: { ...query, filters } });
}

/** What makes a container. */
export interface ContainerSpec extends Config {
  HostConfig: HostConfig;
  NetworkingConfig: NetworkingConfig;
}

export function createContainer(
  client: Client,
  spec: ContainerSpec,
  query: { name?: string; platform?: string },
): Promise<ContainerCreateResponse> {
  return client.json('POST', '/containers/create', { json: spec, query });
}

const pathOf = (container: string) => `/containers/${encodeURIComponent(container)}`;

export function inspectContainer(client: Client, container: string): Promise<ContainerInspect> {
  return client.json('GET', `${pathOf(container)}/json`);
}

/** The inspect object as the daemon wrote it. */
export function inspectContainerText(client: Client, container: string, size = false): Promise<string> {
  return client.text('GET', `${pathOf(container)}/json`, { query: { size } });
}

export interface StartQuery {
  detachKeys?: string;
  checkpoint?: string;
  'checkpoint-dir'?: string;
}

export async function startContainer(client: Client, container: string, query: StartQuery = {}): Promise<void> {
  await client.text('POST', `${pathOf(container)}/start`, { query: { ...query } });
}

export interface StopQuery {
  signal?: string;
  /** Seconds until the kill; -1 = never. */
  t?: number;
}

export async function stopContainer(client: Client, container: string, query: StopQuery): Promise<void> {
  await client.text('POST', `${pathOf(container)}/stop`, { query: { ...query } });
}

export async function restartContainer(client: Client, container: string, query: StopQuery): Promise<void> {
  await client.text('POST', `${pathOf(container)}/restart`, { query: { ...query } });
}

export async function killContainer(client: Client, container: string, signal?: string): Promise<void> {
  await client.text('POST', `${pathOf(container)}/kill`, { query: { signal } });
}

export async function pauseContainer(client: Client, container: string): Promise<void> {
  await client.text('POST', `${pathOf(container)}/pause`);
}

export async function unpauseContainer(client: Client, container: string): Promise<void> {
  await client.text('POST', `${pathOf(container)}/unpause`);
}

export async function renameContainer(client: Client, container: string, name: string): Promise<void> {
  await client.text('POST', `${pathOf(container)}/rename`, { query: { name } });
}

export function updateContainer(
  client: Client,
  container: string,
  request: Partial<ContainerUpdateRequest>,
): Promise<ContainerUpdateResponse> {
  return client.json('POST', `${pathOf(container)}/update`, { json: request });
}

export function containerTop(client: Client, container: string, psArguments: string): Promise<TopResponse> {
  return client.json('GET', `${pathOf(container)}/top`, { query: { ps_args: psArguments || undefined } });
}

export function pruneContainers(client: Client, filters: FilterValues): Promise<ContainerPruneResponse> {
  return client.json('POST', '/containers/prune', { query: { filters } });
}

export interface RemoveQuery {
  force?: boolean;
  /** Anonymous volumes too. */
  v?: boolean;
  link?: boolean;
}

export async function removeContainer(client: Client, container: string, query: RemoveQuery): Promise<void> {
  await client.text('DELETE', pathOf(container), { query: { ...query } });
}

/** A terminal's size in characters. */
export interface TerminalSize {
  rows: number;
  columns: number;
}

export async function resizeContainer(
  client: Client,
  container: string,
  size: TerminalSize,
  signal?: AbortSignal,
): Promise<void> {
  const query = { h: size.rows, w: size.columns };
  await client.text('POST', `${pathOf(container)}/resize`, { query, signal });
}

export interface AttachQuery {
  stdin?: boolean;
  stdout?: boolean;
  stderr?: boolean;
  detachKeys?: string;
}

/** Resolves when the daemon has attached. */
export function attachContainer(
  client: Client,
  container: string,
  query: AttachQuery,
  signal?: AbortSignal,
): Promise<Hijacked> {
  return client.hijack(`${pathOf(container)}/attach`, { query: { stream: true, ...query }, signal });
}

export interface PendingExit {
  /** Rejects when waiting fails. */
  exit: Promise<WaitResponse>;
  /** Stops waiting; `exit` rejects when it was still open. */
  cancel(): void;
}

/** Resolves when the daemon has begun to wait, so that no exit after that moment is missed. */
export async function waitContainer(
  client: Client,
  container: string,
  condition?: WaitCondition,
): Promise<PendingExit> {
  const stop = new AbortController();
  const options = { query: { condition }, signal: stop.signal };
  const response = await client.request('POST', `${pathOf(container)}/wait`, options);
  const exit = readAll(response.body).then((text) => JSON.parse(text) as WaitResponse);
  exit.catch(() => undefined);
  return { exit, cancel: () => stop.abort() };
}

export interface LogsQuery {
  stdout?: boolean;
  stderr?: boolean;
  follow?: boolean;
  timestamps?: boolean;
  details?: boolean;
  /** Seconds since 1970, with a fraction. */
  since?: string;
  until?: string;
  /** Lines from the end, or `all`. */
  tail?: string;
}

export interface LogStream {
  body: AsyncGenerator<Buffer>;
  mediaType: string;
}

export async function containerLogs(client: Client, container: string, query: LogsQuery): Promise<LogStream> {
  const response = await client.request('GET', `${pathOf(container)}/logs`, { query: { ...query } });
  return { body: response.body, mediaType: response.headers['content-type'] ?? '' };
}

/**
 * Whether a stream of a container is plain bytes, because it has a TTY, or multiplexed. Only one of the media types can be
 * trusted: daemons before API 1.42 call everything raw.
 */
export async function isRaw(client: Client, container: string, stream: { mediaType: string }): Promise<boolean> {
  if (stream.mediaType === 'application/vnd.docker.multiplexed-stream') return false;
  return (await inspectContainer(client, container)).Config.Tty;
}

/** One sample a second until the container is gone, or a single one. */
export async function containerStats(
  client: Client,
  container: string,
  { stream }: { stream: boolean },
  signal?: AbortSignal,
): Promise<AsyncGenerator<StatsResponse>> {
  const query = { stream: stream ? '1' : '0' };
  const response = await client.request('GET', `${pathOf(container)}/stats`, { query, signal });
  return jsonObjects(response.body);
}

async function readAll(body: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}
