import type { ContainerPathStat } from '#api/types/container.ts';
import type { Config } from '#api/types/container-config.ts';
import { invalid, notFound } from '#errors/errors.ts';
import type { Recipient } from '../backend.ts';
import { configFields } from '../bodies/config.ts';
import { readJson } from '../body.ts';
import type { Call } from '../call.ts';
import { decode, string, struct } from '../decode.ts';
import { booleanValue, booleanValueOr, textValue } from '../form.ts';
import { empty, json, type Reply, tar } from '../reply.ts';

/** What is in containers: their files, and images made of them. */

const TAR = 'application/x-tar';

export async function changes(call: Call): Promise<Reply> {
  const changes = await call.backend.files.changes(call.name);
  return json(changes.length > 0 ? changes : null);
}

export async function exportTar(call: Call): Promise<Reply> {
  return tar('application/octet-stream', await call.backend.files.export(call.name, recipient(call)));
}

export async function statPath(call: Call): Promise<Reply> {
  return empty(200, statHeader(await call.backend.files.stat(call.name, pathOf(call))));
}

export async function readPath(call: Call): Promise<Reply> {
  const { stat, tar: source } = await call.backend.files.read(call.name, pathOf(call), recipient(call));
  return tar(TAR, source, statHeader(stat));
}

export async function writePath(call: Call): Promise<Reply> {
  const { query, request, signal } = call;
  const options = {
    keepKinds: booleanValue(query, 'noOverwriteDirNonDir'),
    toUser: booleanValue(query, 'copyUIDGID'),
    signal,
  };
  await call.backend.files.write(call.name, pathOf(call), request.body, options);
  return empty(200);
}

const recipient = ({ signal, request }: Call): Recipient => ({ signal, client: request });

function pathOf({ query }: Call): string {
  const path = textValue(query, 'path');
  if (path === undefined) throw invalid('bad parameter: path cannot be empty');
  return path;
}

/** What is at the path goes into a header: the body is the tar, or nothing. */
function statHeader(stat: ContainerPathStat) {
  return { 'X-Docker-Container-Path-Stat': Buffer.from(JSON.stringify(stat)).toString('base64') };
}

const copyRequest = struct<{ Resource: string }>('CopyConfig', { Resource: string });

/** What `archive` took the place of. */
export async function copy(call: Call): Promise<Reply> {
  if (call.version >= 24) {
    throw notFound('page not found', { hint: 'GET /containers/{id}/archive took its place in API version 1.24' });
  }
  const { Resource: path } = decode(copyRequest, await readJson(call), 'CopyConfig');
  return tar(TAR, await call.backend.files.copy(call.name, path, recipient(call)));
}

const commitConfig = struct<Config>('Config', configFields);

export async function commit(call: Call): Promise<Reply> {
  const { query } = call;
  const container = textValue(query, 'container');
  if (container === undefined) throw invalid('invalid name or ID supplied: ""');
  const repo = textValue(query, 'repo');
  const image = await call.backend.files.commit(container, {
    target: repo === undefined ? undefined : { repo, tag: textValue(query, 'tag') },
    comment: query.get('comment') ?? '',
    author: query.get('author') ?? '',
    pause: booleanValueOr(query, 'pause', true),
    changes: query.getAll('changes'),
    config: await commitBody(call),
  });
  return json({ Id: image }, 201);
}

/** A config without anything in it is none. */
async function commitBody(call: Call): Promise<Config | undefined> {
  if (!call.request.hasBody) return undefined;
  const body = await readJson(call);
  return body === null ? undefined : decode(commitConfig, body, 'Config');
}
