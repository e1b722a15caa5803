import type { ClientConfig, ProxyConfig } from './config-file.ts';

const VARIABLES: Record<string, keyof ProxyConfig> = {
  HTTP_PROXY: 'httpProxy',
  HTTPS_PROXY: 'httpsProxy',
  NO_PROXY: 'noProxy',
  FTP_PROXY: 'ftpProxy',
  ALL_PROXY: 'allProxy',
};

/**
 * The environment of a new container, completed by the proxies that config.json has for the daemon at `host`, in capitals
 * and in small letters; a variable that is given (`NAME=value` or `NAME`) stays as it is.
 */
export function withProxies(env: readonly string[], { proxies = {} }: ClientConfig, host: string): string[] {
  const chosen = proxies[host] ?? proxies.default ?? {};
  const given = new Set(env.map((entry) => entry.split('=', 1)[0]));
  const added = Object.entries(VARIABLES).flatMap(([name, field]) => {
    const value = chosen[field];
    return value ? [name, name.toLowerCase()].flatMap((key) => (given.has(key) ? [] : [`${key}=${value}`])) : [];
  });
  return [...env, ...added];
}
