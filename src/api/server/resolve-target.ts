import { readFile } from 'node:fs/promises';
import { describe, errnoCode, invalid, system } from '#errors/errors.ts';
import { type HostAddress, type ListenTarget, parseHost, type SocketGroup, type TlsSettings } from './listen-target.ts';

export interface TargetSettings {
  group: SocketGroup;
  /** Paths of PEM files, and what the flags --tls and --tlsverify ask for. */
  tls: { enabled: boolean; verify: boolean; caCert?: string; cert?: string; key?: string };
  /** Listening descriptors that this process inherited, by name (`fd://0`). */
  descriptors: ReadonlyMap<string, number>;
}

/**
 * Where `-H` means to listen; several sockets for a bare `fd://`. A TCP address is served with TLS to clients with a
 * certificate, unless it asks by name for less (`,auth=server`, `,auth=none`) or --tls without --tlsverify does.
 * Throws `invalid` or `system`.
 */
export async function resolveTargets(host: string, settings: TargetSettings): Promise<ListenTarget[]> {
  const address = parseHost(host);
  const { access } = address;
  switch (address.kind) {
    case 'unix':
      return [{ kind: 'unix', path: address.path, group: settings.group, access }];
    case 'systemd':
      return descriptorsNamed(host, address.name, settings.descriptors).map((fd) => ({ kind: 'fd', fd, access }));
    case 'tcp': {
      const tls = await tlsFor(host, address, settings.tls);
      return [{ kind: 'tcp', host: address.host, port: address.port, tls, access }];
    }
  }
}

function descriptorsNamed(host: string, name: string, descriptors: ReadonlyMap<string, number>): number[] {
  const found = [...descriptors].filter(([key]) => (name ? key === host.split(',', 1)[0] : key.startsWith('fd://')));
  if (found.length > 0) return found.map(([, fd]) => fd);
  throw invalid(`no socket was passed for ${host}`, { hint: 'start the daemon through its systemd socket unit' });
}

async function tlsFor(
  host: string,
  { auth }: Extract<HostAddress, { kind: 'tcp' }>,
  { enabled, verify, caCert, cert, key }: TargetSettings['tls'],
): Promise<TlsSettings | undefined> {
  const wanted = auth ?? (enabled && !verify ? 'server' : 'mutual');
  if (wanted === 'none') return undefined;
  if (!cert || !key || (wanted === 'mutual' && !caCert)) {
    throw invalid(`${host} needs certificates: whoever reaches it is root on this machine`, {
      hint: 'give --tlscacert, --tlscert and --tlskey, or ask for less by name with ,auth=server or ,auth=none',
    });
  }
  return {
    cert: await readPem(cert),
    key: await readPem(key),
    ca: caCert && wanted === 'mutual' ? await readPem(caCert) : undefined,
    verifyClients: wanted === 'mutual',
  };
}

async function readPem(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw system(`cannot read ${path}: ${describe(cause)}`, { cause, code: errnoCode(cause) });
  }
}
