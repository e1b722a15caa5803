import type { ContainerPathStat, FilesystemChange } from '#api/types/container.ts';
import type { Receivable } from '#lib/client-socket.ts';
import type { Client, Query, RequestOptions } from './client.ts';
import { DaemonError } from './daemon-error.ts';
import type { Body } from './http1.ts';

/** What is in containers: their files, and images made of them. */

const pathOf = (container: string) => `/containers/${encodeURIComponent(container)}`;

/** What is at a path of a container; undefined when there is nothing, or no such container. */
export async function statContainerPath(
  client: Client,
  container: string,
  path: string,
): Promise<ContainerPathStat | undefined> {
  try {
    const { headers, body } = await client.request('HEAD', `${pathOf(container)}/archive`, { query: { path } });
    await body.return(undefined);
    return statOf(headers);
  } catch (error) {
    if (error instanceof DaemonError && error.status === 404) return undefined;
    throw error;
  }
}

/** The same, and what is there as a tar. `onSent` as that of a request. */
export async function readContainerPath(
  client: Client,
  container: string,
  path: string,
  onSent?: RequestOptions['onSent'],
): Promise<{ stat: ContainerPathStat; tar: Receivable }> {
  const options = { query: { path }, ...(onSent && { onSent }) };
  const { headers, lendable } = await client.request('GET', `${pathOf(container)}/archive`, options);
  return { stat: statOf(headers), tar: lendable };
}

/** Makes what is in a tar below a folder of a container. */
export async function writeContainerPath(
  client: Client,
  container: string,
  path: string,
  tar: Body,
  { toUser }: { toUser: boolean },
): Promise<void> {
  const query = { path, noOverwriteDirNonDir: 'true', copyUIDGID: toUser ? 'true' : undefined };
  await client.text('PUT', `${pathOf(container)}/archive`, { query, body: tar });
}

function statOf(headers: Record<string, string>): ContainerPathStat {
  return JSON.parse(Buffer.from(headers['x-docker-container-path-stat'] ?? '', 'base64').toString());
}

/** What a container changed in its image's files. */
export async function containerChanges(client: Client, container: string): Promise<FilesystemChange[]> {
  return (await client.json<FilesystemChange[] | null>('GET', `${pathOf(container)}/changes`)) ?? [];
}

/** The whole root of a container as a tar. */
export async function exportContainer(client: Client, container: string): Promise<AsyncGenerator<Buffer>> {
  return (await client.request('GET', `${pathOf(container)}/export`)).body;
}

export interface CommitQuery {
  container: string;
  repo?: string;
  tag?: string;
  comment?: string;
  author?: string;
  /** Dockerfile instructions. */
  changes?: string[];
  pause: boolean;
}

/** Makes an image of what a container changed; gives its id. */
export async function commitContainer(client: Client, { pause, ...rest }: CommitQuery): Promise<string> {
  const query: Query = { ...rest, pause: pause ? '1' : '0' };
  return (await client.json<{ Id: string }>('POST', '/commit', { query })).Id;
}
