import type { SearchResult } from '#api/types/registry.ts';
import { invalid } from '#errors/errors.ts';
import type { RegistryReply } from './exchange.ts';
import { CATALOG_SCOPE } from './scopes.ts';
import type { Session } from './session.ts';

export interface SearchRequest {
  term: string;
  /** The most results. */
  limit: number;
  /** Where the search API is, when not at the registry itself. */
  origin?: string;
  signal?: AbortSignal;
}

/** Bytes of a page of results. */
const MAX_PAGE = 4 << 20;
/** Pages of a catalogue that are looked through. */
const MAX_PAGES = 1000;

/**
 * What a registry knows by a term: by the search API of Docker's first registries (`GET /v1/search`), which Docker Hub
 * has, and for registries without it among the names in their catalogue. Throws as `Session.request` does.
 */
export async function searchRegistry(session: Session, request: SearchRequest): Promise<SearchResult[]> {
  const { term, limit, origin, signal } = request;
  const path = `/v1/search?${new URLSearchParams({ q: term, n: String(limit) })}`;
  const url = origin ? new URL(path, origin) : path;
  const reply = await session.request({ method: 'GET', url, accept: [200, 404, 405], signal });
  if (reply.status === 200) return readResults(reply, await readPage(reply));
  reply.discard();
  return searchCatalogue(session, request);
}

function readResults({ title }: RegistryReply, page: unknown): SearchResult[] {
  const { results } = (page ?? {}) as { results?: unknown };
  if (!Array.isArray(results)) throw invalid(`${title}: the reply holds no results`);
  return results.map((item) => {
    const { name, description, star_count, is_official } = (item ?? {}) as Record<string, unknown>;
    return {
      name: typeof name === 'string' ? name : '',
      description: typeof description === 'string' ? description : '',
      star_count: typeof star_count === 'number' ? star_count : 0,
      is_official: is_official === true,
      is_automated: false,
    };
  });
}

async function searchCatalogue(session: Session, { term, limit, signal }: SearchRequest): Promise<SearchResult[]> {
  session.addScope(CATALOG_SCOPE);
  const found: string[] = [];
  let url: string | URL = '/v2/_catalog?n=1000';
  for (let pages = 0; pages < MAX_PAGES && found.length < limit; pages++) {
    const reply: RegistryReply = await session.request({ method: 'GET', url, signal });
    const { repositories } = ((await readPage(reply)) ?? {}) as { repositories?: unknown };
    if (!Array.isArray(repositories)) throw invalid(`${reply.title}: the reply holds no repositories`);
    found.push(...repositories.filter((name) => typeof name === 'string' && name.includes(term)));
    const next = /^<([^>]+)>;\s*rel="?next"?/.exec(String(reply.headers.link ?? ''));
    if (!next) break;
    url = session.resolve(next[1]!, reply);
  }
  return found.slice(0, limit).map((name) => ({
    name: `${session.endpoint.host}/${name}`,
    description: '',
    star_count: 0,
    is_official: false,
    is_automated: false,
  }));
}

async function readPage(reply: RegistryReply): Promise<unknown> {
  try {
    return JSON.parse((await reply.bytes(MAX_PAGE)).toString('utf8'));
  } catch (cause) {
    throw invalid(`${reply.title}: the reply is not JSON`, { cause });
  }
}
