import { invalid } from '#errors/errors.ts';

/** Where the socket of the system's daemon is. */
export const DEFAULT_HOST = 'unix:///var/run/wherry.sock';

/** How a TLS connection is made; the fields are paths of PEM files. */
export interface TlsFiles {
  ca?: string;
  cert?: string;
  key?: string;
  /** Whether the daemon's certificate must be signed by `ca` and name the host. */
  verify: boolean;
}

export type Endpoint = { kind: 'unix'; path: string } | { kind: 'tcp'; host: string; port: number; tls?: TlsFiles };

/** What the command line says about the connection; what it leaves out comes from the environment. */
export interface EndpointOptions {
  host?: string;
  tls?: boolean;
  tlsVerify?: boolean;
  tlsCaCert?: string;
  tlsCert?: string;
  tlsKey?: string;
}

type Environment = Record<string, string | undefined>;

/**
 * The daemon to talk to: the options, else `WHERRY_HOST`, else `DOCKER_HOST`, else the system's socket. TLS is on with
 * the options or `DOCKER_TLS_VERIFY`; its files lie in `DOCKER_CERT_PATH` (default `~/.docker`).
 *
 * @throws EngineError `invalid` for an address of another form.
 */
export function resolveEndpoint(options: EndpointOptions, env: Environment): Endpoint {
  const host = options.host || env.WHERRY_HOST || env.DOCKER_HOST || DEFAULT_HOST;
  return parseEndpoint(host, tlsFiles(options, env));
}

/** Reads `unix:///path`, `tcp://host[:port]`, `http://...`, `https://...` or a bare `host:port`. */
export function parseEndpoint(address: string, tls?: TlsFiles): Endpoint {
  const [, scheme = 'tcp', rest = ''] = /^(?:([a-z]+):\/\/)?(.*)$/s.exec(address) ?? [];
  if (scheme === 'unix' && rest !== '') return { kind: 'unix', path: rest };
  if (scheme === 'tcp' || scheme === 'http' || scheme === 'https') {
    const match = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:/[\]]*))(?::(\d{1,5}))?\/?$/.exec(rest);
    const files = scheme === 'https' ? (tls ?? { verify: true }) : tls;
    const port = Number(match?.[3] ?? (files ? 2376 : 2375));
    if (match && port <= 65535) return { kind: 'tcp', host: match[1] || match[2] || '127.0.0.1', port, tls: files };
  }
  throw invalid(`unable to parse docker host "${address}"`, {
    hint: 'Use unix:///path/of/the.sock or tcp://host:port.',
  });
}

/** The address as `-H` takes it. */
export function formatEndpoint(endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return `unix://${endpoint.path}`;
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  return `tcp://${host}:${endpoint.port}`;
}

function tlsFiles(options: EndpointOptions, env: Environment): TlsFiles | undefined {
  const verify = options.tlsVerify ?? Boolean(env.DOCKER_TLS_VERIFY);
  if (!verify && !options.tls && !env.DOCKER_TLS) return undefined;
  const folder = env.DOCKER_CERT_PATH || `${env.HOME ?? ''}/.docker`;
  return {
    ca: options.tlsCaCert ?? `${folder}/ca.pem`,
    cert: options.tlsCert ?? `${folder}/cert.pem`,
    key: options.tlsKey ?? `${folder}/key.pem`,
    verify,
  };
}
