import type { OciPlatform } from '#api/types/image.ts';
import { type Filters, parseFilters } from '#lib/filters.ts';
import { NEWEST_API } from '../api-version.ts';
import type { Call } from '../call.ts';
import { booleanValue, textValue } from '../form.ts';
import { imageDot } from '../image-dot.ts';
import { parseJsonPlatform, parsePlatform } from '../platform.ts';
import { registryAuth } from '../registry-auth.ts';
import { bytes, empty, json, progress, type Reply, text } from '../reply.ts';
import { downgradeImageInspect, downgradeImageSummary } from '../versions/image.ts';

export async function list(call: Call): Promise<Reply> {
  const images = await call.backend.images.list({
    all: booleanValue(call.query, 'all'),
    filters: listFilters(call),
    sharedSize: booleanValue(call.query, 'shared-size'),
    digests: booleanValue(call.query, 'digests'),
    manifests: call.version >= 47 && booleanValue(call.query, 'manifests'),
  });
  if (call.version >= NEWEST_API) return json(images);
  return json(images.map((image) => downgradeImageSummary(image, call.version)));
}

/** Before 1.41 a `filter` of its own named the reference. */
function listFilters(call: Call): Filters {
  const filters = parseFilters(call.query.get('filters'));
  const reference = call.version < 41 ? textValue(call.query, 'filter') : undefined;
  return reference ? new Map(filters).set('reference', [reference]) : filters;
}

export async function inspect(call: Call): Promise<Reply> {
  const manifests = call.version >= 48 && booleanValue(call.query, 'manifests');
  const image = await call.backend.images.inspect(call.name, { ...platformOf(call, 49), manifests });
  return json(call.version < NEWEST_API ? downgradeImageInspect(image, call.version) : image);
}

export async function history(call: Call): Promise<Reply> {
  return json(await call.backend.images.history(call.name, platformOf(call, 48)));
}

function platformsOf(query: URLSearchParams): OciPlatform[] {
  return query.getAll('platform').flatMap((text) => parseJsonPlatform(text) ?? []);
}

function platformOf(call: Call, since: number) {
  return { platform: call.version >= since ? parseJsonPlatform(textValue(call.query, 'platform')) : undefined };
}

export async function tag(call: Call): Promise<Reply> {
  const target = { repo: call.query.get('repo') ?? '', tag: call.query.get('tag') ?? '' };
  await call.backend.images.tag(call.name, target);
  return empty(201);
}

export async function remove(call: Call): Promise<Reply> {
  const options = { force: booleanValue(call.query, 'force'), noprune: booleanValue(call.query, 'noprune') };
  return json(await call.backend.images.remove(call.name, options));
}

/** The graph of images in Graphviz's language; with `format=json` as data, which no Docker has. */
export async function viz({ backend, query }: Call): Promise<Reply> {
  const graph = await backend.images.graph();
  return query.get('format') === 'json' ? json(graph) : text(imageDot(graph));
}

export async function prune({ backend, query }: Call): Promise<Reply> {
  return json(await backend.images.prune(parseFilters(query.get('filters'))));
}

export function save(call: Call): Promise<Reply> {
  return saved(call, call.query.getAll('names'));
}

export function saveOne(call: Call): Promise<Reply> {
  return saved(call, [call.name]);
}

async function saved({ backend, query }: Call, names: string[]): Promise<Reply> {
  return bytes('application/x-tar', await backend.images.save(names, { platforms: platformsOf(query) }));
}

export function load(call: Call): Reply {
  const { backend, query, request, signal } = call;
  const options = { quiet: booleanValue(query, 'quiet'), platforms: platformsOf(query) };
  return progress((emit) => backend.images.load(request.body, options, emit, signal));
}

/** `fromImage` pulls, `fromSrc` imports an archive. */
export function create(call: Call): Reply {
  const { backend, query, request, signal } = call;
  const field = (name: string) => query.get(name) ?? '';
  const platform = call.version >= 32 ? parsePlatform(field('platform')) : undefined;
  if (field('fromSrc') === '') {
    const wanted = {
      image: field('fromImage'),
      tag: field('tag'),
      platform,
      auth: registryAuth(request, field('fromImage')),
    };
    return progress((emit) => backend.images.pull(wanted, emit, signal));
  }
  const changes = query.getAll('changes');
  const names = { source: field('fromSrc'), repo: field('repo'), tag: field('tag'), message: field('message') };
  const wanted = { ...names, changes, platform, body: request.body };
  return progress((emit) => backend.images.import(wanted, emit, signal));
}

export function push(call: Call): Reply {
  const { backend, query, request, signal } = call;
  const { platform } = platformOf(call, 46);
  const wanted = { image: call.name, tag: query.get('tag') ?? '', platform, auth: registryAuth(request, call.name) };
  return progress((emit) => backend.images.push(wanted, emit, signal));
}
