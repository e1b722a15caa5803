import type { HistoryResponseItem, ImageDeleteResponseItem, ImageSummary, ProgressMessage } from '#api/types/image.ts';
import type { ImageGraph } from '#api/types/image-graph.ts';
import type { SearchResult } from '#api/types/registry.ts';
import type { Client } from './client.ts';
import type { FilterValues } from './containers.ts';
import type { Body } from './http1.ts';
import { jsonObjects } from './json-objects.ts';

export interface ListImagesQuery {
  all?: boolean;
  digests?: boolean;
  /** Tell of each image's manifests. */
  manifests?: boolean;
  filters?: FilterValues;
}

export function listImages(client: Client, query: ListImagesQuery): Promise<ImageSummary[]> {
  const filters = query.filters && Object.keys(query.filters).length > 0 ? query.filters : undefined;
  return client.json('GET', '/images/json', { query: { ...query, filters } });
}

/** A reference keeps its slashes in the path, as docker's client sends it. */
export const pathOf = (image: string) => `/images/${image.split('/').map(encodeURIComponent).join('/')}`;

/** The inspect object as the daemon wrote it. */
export function inspectImageText(client: Client, image: string, query: { platform?: string } = {}): Promise<string> {
  return client.text('GET', `${pathOf(image)}/json`, { query });
}

export function imageHistory(
  client: Client,
  image: string,
  query: { platform?: string } = {},
): Promise<HistoryResponseItem[]> {
  return client.json('GET', `${pathOf(image)}/history`, { query });
}

export async function tagImage(client: Client, image: string, target: { repo: string; tag?: string }): Promise<void> {
  await client.text('POST', `${pathOf(image)}/tag`, { query: target });
}

export interface RemoveImageQuery {
  force?: boolean;
  /** Keep untagged parents. */
  noprune?: boolean;
  platforms?: string[];
}

export function removeImage(
  client: Client,
  image: string,
  query: RemoveImageQuery,
): Promise<ImageDeleteResponseItem[]> {
  return client.json('DELETE', pathOf(image), { query: { ...query } });
}

/** How images stand on layers. */
export function imageGraph(client: Client): Promise<ImageGraph> {
  return client.json('GET', '/images/viz', { query: { format: 'json' } });
}

/** The same in Graphviz's language. */
export function imageGraphDot(client: Client): Promise<string> {
  return client.text('GET', '/images/viz');
}

/** Sends an archive; the messages come while it is read. */
export async function loadImages(
  client: Client,
  archive: Body,
  query: { quiet?: boolean; platform?: string[] },
): Promise<AsyncGenerator<ProgressMessage>> {
  const response = await client.request('POST', '/images/load', { body: archive, query });
  return jsonObjects(response.body);
}

export interface ImportQuery {
  /** `-` = the body, else a URL. */
  fromSrc: string;
  repo: string;
  message: string;
  changes: readonly string[];
  platform: string;
}

/** Makes an image of a tar; the last message is its id. */
export async function importImage(
  client: Client,
  query: ImportQuery,
  archive: Body | undefined,
): Promise<AsyncGenerator<ProgressMessage>> {
  const response = await client.request('POST', '/images/create', { body: archive, query: { ...query } });
  return jsonObjects(response.body);
}

/** The archive of one or more images, as a stream. */
export async function saveImages(
  client: Client,
  names: readonly string[],
  query: { platform?: readonly string[] },
): Promise<AsyncGenerator<Buffer>> {
  const response = await client.request('GET', '/images/get', { query: { names, ...query } });
  return response.body;
}

export interface PullQuery {
  fromImage: string;
  tag?: string;
  platform?: string;
}

/** Pushes a tag of a repository, all without one; `auth` as for a pull. */
export async function pushImage(
  client: Client,
  image: string,
  query: { tag?: string; platform?: string },
  auth?: string,
): Promise<AsyncGenerator<ProgressMessage>> {
  // The daemon wants the header, if only to say that there is nothing in it.
  const headers = { 'X-Registry-Auth': auth ?? 'e30=' };
  const response = await client.request('POST', `${pathOf(image)}/push`, { query, headers });
  return jsonObjects(response.body);
}

export interface SearchQuery {
  term: string;
  limit?: number;
  filters?: FilterValues;
}

/** What registries know by a term. */
export function searchImages(client: Client, query: SearchQuery, auth?: string): Promise<SearchResult[]> {
  const headers: Record<string, string> = auth ? { 'X-Registry-Auth': auth } : {};
  const filters = query.filters && Object.keys(query.filters).length > 0 ? query.filters : undefined;
  return client.json('GET', '/images/search', { query: { ...query, filters }, headers });
}

/** `auth` is the base64 of an AuthConfig, as X-Registry-Auth takes it. */
export async function pullImage(
  client: Client,
  query: PullQuery,
  auth?: string,
): Promise<AsyncGenerator<ProgressMessage>> {
  const headers: Record<string, string> = auth ? { 'X-Registry-Auth': auth } : {};
  const response = await client.request('POST', '/images/create', { query: { ...query }, headers });
  return jsonObjects(response.body);
}
