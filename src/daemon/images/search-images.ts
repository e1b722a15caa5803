import type { AuthConfig, SearchResult } from '#api/types/registry.ts';
import { invalid } from '#errors/errors.ts';
import { booleanFilter, checkFilterNames, type Filters } from '#lib/filters.ts';
import { DEFAULT_DOMAIN } from '#lib/reference.ts';
import { domainOf } from '#lib/registry-address.ts';
import { searchRegistry } from '#registry/search.ts';
import type { Engine } from '../engine.ts';

export interface SearchRequest {
  /** `term` at Docker Hub, `host/term` at another registry. */
  term: string;
  /** 0 = the default. */
  limit: number;
  filters: Filters;
  auth?: AuthConfig;
}

const DEFAULT_LIMIT = 25;
const MAX_LIMIT = 100;
const FILTERS: ReadonlySet<string> = new Set(['is-automated', 'is-official', 'stars']);
/** Docker Hub searches on another host than it keeps images. */
const HUB_SEARCH = 'https://index.docker.io';

/** `GET /images/search`. Throws `invalid` in dockerd's words, and as `searchRegistry` does. */
export async function searchImages(
  { registry }: Pick<Engine, 'registry'>,
  { term, limit, filters, auth }: SearchRequest,
  signal: AbortSignal,
): Promise<SearchResult[]> {
  if (/^https?:\/\//.test(term)) {
    throw invalid(`invalid repository name: repository name (${term}) should not have a scheme`);
  }
  const most = limit === 0 ? DEFAULT_LIMIT : limit;
  if (most < 1 || most > MAX_LIMIT) throw invalid(`Limit ${most} is outside the range of [1, ${MAX_LIMIT}]`);
  const accepts = filterOf(filters);
  const { domain, path } = splitTerm(term);
  const origin = domain === DEFAULT_DOMAIN ? HUB_SEARCH : undefined;
  const session = registry.session(domain, auth);
  return (await searchRegistry(session, { term: path, limit: most, origin, signal })).filter(accepts);
}

function filterOf(filters: Filters): (result: SearchResult) => boolean {
  checkFilterNames(filters, FILTERS);
  const automated = booleanFilter(filters, 'is-automated', false);
  const official = filters.has('is-official') ? booleanFilter(filters, 'is-official', false) : undefined;
  const stars = (filters.get('stars') ?? []).map((text) => {
    if (!/^[+-]?\d+$/.test(text)) throw invalid(`invalid filter 'stars=${text}'`, { hint: 'It takes a number.' });
    return Number(text);
  });
  const fewest = Math.max(0, ...stars);
  return (result) =>
    !automated && (official === undefined || result.is_official === official) && result.star_count >= fewest;
}

function splitTerm(term: string): { domain: string; path: string } {
  const slash = term.indexOf('/');
  const first = term.slice(0, Math.max(0, slash));
  const isHost = slash >= 0 && (/[.:]/.test(first) || first === 'localhost');
  if (!isHost) return { domain: DEFAULT_DOMAIN, path: term.replace(/^library\//, '') };
  return { domain: domainOf(first), path: term.slice(slash + 1) };
}
