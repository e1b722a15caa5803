import { invalid } from '#errors/errors.ts';

/** Versions of the API are 1.N; the code knows them by N. */
export const OLDEST_API = 17;
export const NEWEST_API = 51;

const known = new Map<string, number>();
for (let minor = OLDEST_API; minor <= NEWEST_API; minor++) known.set(`1.${minor}`, minor);

/**
 * Takes the version off the front of a path: `/v1.44/info` -> `{version: 44, path: '/info'}`. A path without one is of
 * the newest version. Throws `invalid`, in the words clients know, for a version that is too new or too old.
 */
export function splitVersion(path: string): { version: number; path: string } {
  const digit = path.charCodeAt(2);
  if (!path.startsWith('/v') || digit < 0x30 || digit > 0x39) return { version: NEWEST_API, path };
  const end = path.indexOf('/', 2);
  const text = path.slice(2, end < 0 ? undefined : end);
  const version = known.get(text) ?? refuseUnlessName(text);
  if (version === undefined || end < 0) return { version: NEWEST_API, path };
  return { version, path: path.slice(end) };
}

function refuseUnlessName(text: string): undefined {
  const match = /^(\d{1,6})\.(\d{1,6})$/.exec(text);
  if (!match) return undefined;
  const major = Number(match[1]);
  if (major > 1 || (major === 1 && Number(match[2]) > NEWEST_API)) {
    throw invalid(`client version ${text} is too new. Maximum supported API version is 1.${NEWEST_API}`);
  }
  throw invalid(
    `client version ${text} is too old. Minimum supported API version is 1.${OLDEST_API}, ` +
      'please upgrade your client to a newer version',
  );
}
