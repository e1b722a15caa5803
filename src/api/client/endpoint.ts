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

export type SocketEndpoint =
  | { kind: 'unix'; path: string }
  | { kind: 'tcp'; host: string; port: number; tls?: TlsFiles };

/** The daemon of another machine, by the client that is there. */
export interface SshEndpoint {
  kind: 'ssh';
  host: string;
  user?: string;
  port?: number;
  /** The daemon's socket there; absent = where the client there looks for it. */
  path?: string;
}

export type Endpoint = SocketEndpoint | SshEndpoint;

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

/**
 * Reads `unix:///path`, `tcp://host[:port]`, `http://...`, `https://...`, `ssh://[user@]host[:port][/path]` or a bare
 * `host:port`.
 */
export function parseEndpoint(address: string, tls?: TlsFiles): Endpoint {
  const [, scheme = 'tcp', rest = ''] = /^(?:([a-z]+):\/\/)?(.*)$/s.exec(address) ?? [];
  if (scheme === 'unix' && rest !== '') return { kind: 'unix', path: rest };
  if (scheme === 'ssh') return parseSsh(address);
  if (scheme === 'tcp' || scheme === 'http' || scheme === 'https') {
    const match = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:/[\]]*))(?::(\d{1,5}))?\/?$/.exec(rest);
    const files = scheme === 'https' ? (tls ?? { verify: true }) : tls;
    const port = Number(match?.[3] ?? (files ? 2376 : 2375));
    if (match && port <= 65535) return { kind: 'tcp', host: match[1] || match[2] || '127.0.0.1', port, tls: files };
  }
  throw invalid(`unable to parse docker host "${address}"`, {
    hint: 'Use unix:///path/of/the.sock, tcp://host:port or ssh://user@host.',
  });
}

function parseSsh(address: string): SshEndpoint {
  const refuse = (why: string) =>
    invalid(`ssh host connection is not valid: ${why}`, { hint: 'Use ssh://user@host:port.' });
  const url = URL.parse(address);
  if (!url) throw refuse(`${JSON.stringify(address)} is no URL`);
  if (url.hostname === '') throw refuse('no host specified');
  if (url.password) throw refuse('plain-text password is not supported');
  if (url.search) throw refuse(`extra query after the host: ${JSON.stringify(url.search.slice(1))}`);
  if (url.hash) throw refuse(`extra fragment after the host: ${JSON.stringify(url.hash.slice(1))}`);
  // It becomes a word of a command line on the other side.
  if (!/^[\w./+@:,=-]*$/.test(url.pathname))
    throw refuse(`the path ${url.pathname} has characters that a shell changes`);
  return {
    kind: 'ssh',
    host: url.hostname.replace(/^\[|\]$/g, ''),
    ...(url.username && { user: decodeURIComponent(url.username) }),
    ...(url.port && { port: Number(url.port) }),
    ...(url.pathname.length > 1 && { path: url.pathname }),
  };
}

/** The address as `-H` takes it. */
export function formatEndpoint(endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return `unix://${endpoint.path}`;
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  if (endpoint.kind === 'tcp') return `tcp://${host}:${endpoint.port}`;
  const { user, port, path = '' } = endpoint;
  return `ssh://${user ? `${encodeURIComponent(user)}@` : ''}${host}${port ? `:${port}` : ''}${path}`;
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
