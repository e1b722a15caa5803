import { forbidden, invalid } from '#errors/errors.ts';

/**
 * What a route may touch; each level includes those before it. `read` looks, `operate` starts and stops what is there,
 * `exec` runs commands and input inside containers, `admin` makes and removes things (and so is root on the host).
 */
export const ACCESS_LEVELS = ['read', 'operate', 'exec', 'admin'] as const;
export type Access = (typeof ACCESS_LEVELS)[number];

/** Throws `invalid` when the text is not a level. */
export function parseAccess(text: string): Access {
  const level = ACCESS_LEVELS.find((known) => known === text);
  if (!level) throw invalid(`invalid access level '${text}'`, { hint: `use one of ${ACCESS_LEVELS.join(', ')}` });
  return level;
}

/** Throws `forbidden` when a socket that grants `granted` does not reach the route. */
export function checkAccess(granted: Access, route: { access: Access; method: string; path: string }): void {
  const { access: needed, method, path } = route;
  if (ACCESS_LEVELS.indexOf(granted) >= ACCESS_LEVELS.indexOf(needed)) return;
  throw forbidden(`${method} ${path} needs '${needed}' access, this socket grants '${granted}'`, {
    hint: 'use a socket with more access',
  });
}
