import { Readable } from 'node:stream';
import { parseFilters } from '#lib/filters.ts';
import { authConfig } from '../bodies/registry.ts';
import { readJson } from '../body.ts';
import type { Call } from '../call.ts';
import { decode } from '../decode.ts';
import { integerValue } from '../form.ts';
import { registryAuth } from '../registry-auth.ts';
import { json, type Reply } from '../reply.ts';

export async function authenticate(call: Call): Promise<Reply> {
  const auth = decode(authConfig, await readJson(call), 'AuthConfig');
  return json(await call.backend.system.authenticate(auth, call.signal));
}

export async function search({ backend, query, request, signal }: Call): Promise<Reply> {
  const wanted = {
    term: query.get('term') ?? '',
    limit: integerValue(query, 'limit') ?? 0,
    filters: parseFilters(query.get('filters')),
    auth: registryAuth(request, query.get('term') ?? ''),
  };
  return json(await backend.images.search(wanted, signal));
}

export async function distribution({ backend, name, request, signal }: Call): Promise<Reply> {
  return json(await backend.images.distribution(name, registryAuth(request, name), signal));
}

/** Its bytes as they are, which no Docker gives out: clients make lists of manifests. */
export async function manifest({ backend, name, request, signal }: Call): Promise<Reply> {
  const {
    mediaType,
    digest,
    bytes: body,
  } = await backend.images.remoteManifest(name, registryAuth(request, name), signal);
  const headers = { 'Docker-Content-Digest': digest };
  return { kind: 'bytes', contentType: mediaType, source: Readable.from([body]), headers };
}

export async function putManifest(call: Call): Promise<Reply> {
  const { backend, name, query, request, signal } = call;
  const mediaType = request.headers['content-type'] ?? '';
  const wanted = { image: name, from: query.get('from') ?? '', mediaType, bytes: await call.body() };
  return json(await backend.images.putRemoteManifest({ ...wanted, auth: registryAuth(request, name) }, signal), 201);
}
