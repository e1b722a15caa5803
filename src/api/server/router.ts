import type { Access } from './access.ts';
import type { Call } from './call.ts';
import type { Reply } from './reply.ts';

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';

/** How a route answers when it succeeds. */
export type ReplyKind = 'json' | 'stream' | 'tar' | 'hijack' | 'websocket' | 'raw';

export type Handler = (call: Call) => Reply | Promise<Reply>;

export interface Route {
  readonly method: Method;
  /** At most one parameter, `{name}` or `{id}`, which may hold slashes. */
  readonly path: string;
  readonly reply: ReplyKind;
  readonly access: Access;
  readonly handler: Handler;
  /** The API version 1.N that brought it. */
  readonly since: number;
  /** It serves a read-only engine, too, although it changes something: what makes the engine read-only. */
  readonly mends?: boolean;
}

export interface Match {
  readonly route: Route;
  /** The parameter, percent-decoded; empty for a route without one. */
  readonly name: string;
}

/** The most segments that a path of the table has before its parameter (`/debug/pprof/{name}`). */
const LONGEST_HEAD = 2;
/** The most segments that one has behind it (`/containers/{name}/attach/ws`). */
const LONGEST_TAIL = 2;

/**
 * Makes the look-up of a route table. A path is found by its text or, with a parameter, by its first and its
 * last segments; the shortest head and the longest tail win. The cost does not depend on the size of the table.
 */
export function createRouter(routes: readonly Route[]): (method: string, path: string) => Match | undefined {
  const literal = new Map<string, Match>();
  const withName = new Map<string, Route>();
  for (const route of routes) {
    const parameter = /\{[a-z]+\}/.exec(route.path);
    const key = `${route.method} ${route.path.replace(/\{[a-z]+\}/, '*')}`;
    if (literal.has(key) || withName.has(key)) throw new Error(`route ${key} stands in the table twice`);
    if (parameter) withName.set(key, route);
    else literal.set(key, { route, name: '' });
  }

  return (method, path) => {
    const exact = literal.get(`${method} ${path}`);
    if (exact) return exact;
    let nameStart = 1;
    for (let heads = 1; heads <= LONGEST_HEAD; heads++) {
      nameStart = path.indexOf('/', nameStart) + 1;
      if (nameStart === 0) return undefined;
      const head = `${method} ${path.slice(0, nameStart)}*`;
      for (let tails = LONGEST_TAIL; tails >= 0; tails--) {
        const nameEnd = cutSegments(path, tails);
        if (nameEnd <= nameStart) continue;
        const route = withName.get(head + path.slice(nameEnd));
        if (route) return { route, name: path.slice(nameStart, nameEnd) };
      }
    }
    return undefined;
  };
}

/** The length of `path` without its last `count` segments; -1 when it has not so many. */
function cutSegments(path: string, count: number): number {
  let end = path.length;
  for (; count > 0 && end > 0; count--) end = path.lastIndexOf('/', end - 1);
  return end;
}
