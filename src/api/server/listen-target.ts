import { invalid } from '#errors/errors.ts';
import { type Access, parseAccess } from './access.ts';

/** Where a server listens, with all it needs to do so. The `path` of a descriptor is a unix socket's file. */
export type ListenTarget =
  | { kind: 'unix'; path: string; access: Access; group?: SocketGroup; tls?: undefined }
  | { kind: 'tcp'; host: string; port: number; access: Access; tls?: TlsSettings }
  | { kind: 'fd'; fd: number; path?: string; access: Access; tls?: TlsSettings };

/** Who besides root may connect to a unix socket. `required` = its absence is an error. */
export interface SocketGroup {
  name: string;
  required: boolean;
}

/** PEM texts. */
export interface TlsSettings {
  cert: string | Buffer;
  key: string | Buffer;
  /** Who signs the clients' certificates; absent = the machine's authorities. */
  ca?: string | Buffer;
  /** Refuse clients without a certificate. */
  verifyClients: boolean;
}

/** What `-H` says, before files are read and descriptors found (resolve-target.ts). */
export type HostAddress = { access: Access } & (
  | { kind: 'unix'; path: string }
  | { kind: 'tcp'; host: string; port: number; auth?: TcpAuth }
  | { kind: 'systemd'; name: string }
);

/** `mutual`: TLS both ways. `server`: TLS, any client. `none`: plain text, any client. */
export type TcpAuth = 'mutual' | 'server' | 'none';

const OPTION_NAMES: Record<HostAddress['kind'], string[]> = {
  unix: ['access'],
  tcp: ['access', 'auth'],
  systemd: ['access'],
};

/**
 * Reads `-H`: `unix:///path`, `tcp://[host][:port]`, `fd://[name]`, each with `,access=LEVEL`, and for TCP
 * `,auth=mutual|server|none`. Throws `invalid`.
 */
export function parseHost(text: string): HostAddress {
  const [address = '', ...rest] = text.split(',');
  const scheme = /^(unix|tcp|fd):\/\/(.*)$/s.exec(address);
  if (!scheme) {
    throw invalid(`invalid host '${text}': unknown scheme`, {
      hint: 'use unix:///path, tcp://host:port or fd://',
    });
  }
  const kind = scheme[1] === 'fd' ? 'systemd' : (scheme[1] as 'unix' | 'tcp');
  const options = parseOptions(text, kind, rest);
  const access = parseAccess(options.get('access') ?? 'admin');
  const where = scheme[2]!;
  if (kind === 'unix') return { kind, path: unixPath(text, where), access };
  if (kind === 'systemd') return { kind, name: where, access };
  const auth = options.get('auth');
  return { kind, ...hostAndPort(text, where), ...(auth === undefined ? {} : { auth: parseAuth(auth) }), access };
}

function parseOptions(text: string, kind: HostAddress['kind'], options: string[]): Map<string, string> {
  return new Map(
    options.map((option) => {
      const [name = '', value = ''] = option.split('=', 2);
      if (!OPTION_NAMES[kind].includes(name)) {
        throw invalid(`invalid host '${text}': unknown option '${name}'`, {
          hint: `known options: ${OPTION_NAMES[kind].join(', ')}`,
        });
      }
      return [name, value] as const;
    }),
  );
}

function unixPath(text: string, path: string): string {
  if (path.startsWith('/') && !path.includes('\0')) return path;
  throw invalid(`invalid host '${text}': the path of a unix socket is absolute`, { hint: 'write unix:///path' });
}

/** 2375 is plain text's port, 2376 TLS's; the port must be given, so that nobody opens one by accident. */
function hostAndPort(text: string, where: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/]*)):(\d{1,5})\/?$/.exec(where);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) {
    throw invalid(`invalid host '${text}': no host and port`, { hint: 'write tcp://127.0.0.1:2376' });
  }
  return { host: match[1] ?? (match[2] || '127.0.0.1'), port };
}

function parseAuth(text: string): TcpAuth {
  if (text === 'mutual' || text === 'server' || text === 'none') return text;
  throw invalid(`invalid auth '${text}'`, { hint: 'use mutual, server or none' });
}
