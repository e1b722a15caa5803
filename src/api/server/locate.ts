import { invalid, notFound } from '#errors/errors.ts';
import { NEWEST_API, splitVersion } from './api-version.ts';
import type { RequestHead } from './http1/head.ts';
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

/** By head: a connection gives the same one again when a client asks the same again. */
const located = new WeakMap<RequestHead, Target>();

/** Finds the route of a request. Throws `invalid` for a bad version or escape, `not-found` when there is none. */
export function locate(head: RequestHead): Target {
  let target = located.get(head);
  if (!target) {
    target = find(head);
    located.set(head, target);
  }
  return target;
}

function find({ method, target }: RequestHead): Target {
  const mark = target.indexOf('?');
  const { version, path } = splitVersion(mark < 0 ? target : target.slice(0, mark));
  const match = route(method, path.includes('%') ? unescapePath(path) : path);
  if (!match) throw notFound('page not found');
  if (version < match.route.since) {
    throw notFound('page not found', {
      hint: `${match.route.method} ${match.route.path} came with API version 1.${match.route.since}`,
    });
  }
  return { route: match.route, name: match.name, version, query: mark < 0 ? '' : target.slice(mark + 1) };
}

function unescapePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw invalid(`the path ${path.slice(0, 200)} is not percent-encoded UTF-8`, { cause });
  }
}

/** The version for the form of an error, whatever else is wrong with the request. */
export function versionOf({ target }: Pick<RequestHead, 'target'>): number {
  try {
    return splitVersion(target).version;
  } catch {
    return NEWEST_API;
  }
}
