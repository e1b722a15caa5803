/** What the client of registries is configured with. */
export interface RegistrySettings {
  /** `host`, `host:port` or CIDR blocks whose registries may speak plain HTTP or show any certificate. */
  insecureRegistries: readonly string[];
  /** Domain (`docker.io`, `host:port`) -> base URLs that are asked before it when something is pulled. */
  mirrors: ReadonlyMap<string, readonly string[]>;
  /** Folders in docker's `certs.d` layout: `<folder>/<host[:port]>/{*.crt,*.cert,*.key}`. */
  certificateFolders: readonly string[];
  proxies: ProxySettings;
  userAgent: string;
  /** How often one request is tried in all. */
  attempts: number;
  /** ms before the second try, doubled before each further one. */
  backOff: number;
}

export interface ProxySettings {
  /** URL of the proxy for `http:` requests. */
  http?: string;
  /** URL of the proxy for `https:` requests. */
  https?: string;
  /** Hosts without a proxy, as in NO_PROXY: `host`, `.domain`, `host:port`, `10.0.0.0/8`, `*`. */
  no?: string;
}

export const DEFAULT_SETTINGS: RegistrySettings = {
  insecureRegistries: [],
  mirrors: new Map(),
  certificateFolders: ['/etc/wherry/certs.d', '/etc/docker/certs.d'],
  proxies: {},
  userAgent: 'wherry',
  attempts: 5,
  backOff: 250,
};

/** The proxies that the environment names, lower-case names first as in Go; `set` wins over them. */
export function proxiesFrom(environment: NodeJS.ProcessEnv, set: ProxySettings = {}): ProxySettings {
  const read = (name: string) => environment[name.toLowerCase()] || environment[name] || undefined;
  const http = set.http ?? read('HTTP_PROXY');
  const https = set.https ?? read('HTTPS_PROXY');
  const no = set.no ?? read('NO_PROXY');
  return { ...(http && { http }), ...(https && { https }), ...(no && { no }) };
}
