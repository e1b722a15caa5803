import type { IncomingMessage } from 'node:http';
import { invalid, notFound } from '#errors/errors.ts';
import { NEWEST_API, splitVersion } from './api-version.ts';
import { createRouter, type Match } from './router.ts';
import { routes } from './routes.ts';

/** What a request line asks for. */
export interface Target extends Match {
  /** The API is of version 1.N. */
  version: number;
  /** Without the question mark. */
  query: string;
}

const route = createRouter(routes);

/** Finds the route of a request. Throws `invalid` for a bad version or escape, `not-found` when there is none. */
export function locate(request: IncomingMessage): Target {
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  const { version, path } = splitVersion(mark < 0 ? url : url.slice(0, mark));
  const match = route(request.method ?? 'GET', path.includes('%') ? unescapePath(path) : path);
  if (!match) throw notFound('page not found');
  if (version < match.route.since) {
    throw notFound('page not found', {
      hint: `${match.route.method} ${match.route.path} came with API version 1.${match.route.since}`,
    });
  }
  return { route: match.route, name: match.name, version, query: mark < 0 ? '' : url.slice(mark + 1) };
}

function unescapePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw invalid(`the path ${path.slice(0, 200)} is not percent-encoded UTF-8`, { cause });
  }
}

/** The version for the form of an error, whatever else is wrong with the request. */
export function versionOf(request: IncomingMessage): number {
  try {
    return splitVersion(request.url ?? '/').version;
  } catch {
    return NEWEST_API;
  }
}
