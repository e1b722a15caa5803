import { absent, buildKit } from './handlers/absent.ts';
import type { Route } from './router.ts';

/** The routes that answer 501: `GET /images/viz`, ... */
export function unimplemented(routes: readonly Route[]): string[] {
  return routes
    .filter(({ handler }) => handler === absent || handler === buildKit)
    .map(({ method, path }) => `${method} ${path}`);
}

/** The route table as a page of Markdown. */
export function routesPage(routes: readonly Route[]): string {
  const missing = new Set(unimplemented(routes));
  const rows = routes.map(({ method, path, reply, access, since }) => {
    const state = missing.has(`${method} ${path}`) ? 'not yet' : '';
    return `| ${method} | \`${path}\` | ${reply} | ${access} | ${since ? `1.${since}` : ''} | ${state} |`;
  });
  return ['| | path | reply | access | since | |', '|---|---|---|---|---|---|', ...rows, ''].join('\n');
}
