import type { Backend } from '#api/server/backend.ts';
import { notImplemented } from '#errors/errors.ts';

type Parts = { [Room in keyof Backend]?: Partial<Backend[Room]> };

/** An engine for tests of the API: it can do what `parts` says, and rejects everything else. */
export function fakeBackend(parts: Parts): Backend {
  const room = (name: keyof Backend) =>
    new Proxy((parts[name] ?? {}) as Record<string, unknown>, {
      get: (methods, method: string) =>
        methods[method] ??
        (method === 'welcome' ? undefined : () => Promise.reject(notImplemented(`${name}.${method} is not faked`))),
    });
  return {
    system: room('system'),
    images: room('images'),
    containers: room('containers'),
    files: room('files'),
  } as unknown as Backend;
}
