import { readFile } from 'node:fs/promises';
import { type HostAddress, type ListenTarget, parseHost, type TlsSettings } from '#api/server/listen-target.ts';
import type { ApiServer } from '#api/server/server.ts';
import type { DaemonConfig } from '#daemon/config.ts';
import { describe, invalid, notFound } from '#errors/errors.ts';
import type { Logger } from '#lib/log.ts';
import type { Launcher } from '#linux/launcher-types.ts';

/** Listens at every configured host; the launcher keeps each socket, so that clients of a killed engine just wait. */
export async function listenEverywhere(
  config: DaemonConfig,
  server: ApiServer,
  launcher: Launcher,
  log: Logger,
): Promise<void> {
  for (const host of config.hosts) {
    const address = parseHost(host);
    const key = `listen ${host}`;
    const inherited = launcher.kept.get(key);
    for (const target of await targetsOf(address, config, launcher, inherited)) {
      const listener = await server.listen(target);
      if (address.kind !== 'systemd' && inherited === undefined)
        await launcher.keepDescriptor(key, listener.descriptor);
      log.info('listening', { address: listener.address, access: target.access });
    }
  }
}

async function targetsOf(
  address: HostAddress,
  config: DaemonConfig,
  launcher: Launcher,
  inherited: number | undefined,
): Promise<ListenTarget[]> {
  const { access } = address;
  if (address.kind === 'unix') {
    if (inherited !== undefined) return [{ kind: 'fd', fd: inherited, path: address.path, access }];
    return [{ kind: 'unix', path: address.path, access, group: config.group }];
  }
  const tls = address.kind === 'tcp' ? await tlsSettings(address, config) : undefined;
  if (address.kind === 'tcp') {
    if (inherited !== undefined) return [{ kind: 'fd', fd: inherited, access, tls }];
    return [{ kind: 'tcp', host: address.host, port: address.port, access, tls }];
  }
  const passed = [...launcher.kept].filter(([key]) => /^fd:\/\/\d+$/.test(key));
  if (passed.length === 0) {
    throw notFound('-H fd:// was given but systemd passed no socket', { hint: 'Start it by its socket unit.' });
  }
  return passed.map(([, fd]) => ({ kind: 'fd', fd, access }));
}

async function tlsSettings(
  address: Extract<HostAddress, { kind: 'tcp' }>,
  { tls }: DaemonConfig,
): Promise<TlsSettings | undefined> {
  if (address.auth === 'none') return undefined;
  if (!tls.enabled || !tls.cert || !tls.key || (address.auth === 'mutual' && !tls.verify)) {
    throw invalid(`tcp://${address.host}:${address.port} would be open to everybody who reaches it`, {
      hint: 'Give --tlsverify with --tlscacert, --tlscert and --tlskey, or say it by name: tcp://HOST:PORT,auth=none.',
    });
  }
  const read = async (flag: string, path: string) => {
    try {
      return await readFile(path);
    } catch (cause) {
      throw invalid(`cannot read the file of --${flag}: ${describe(cause)}`, { cause });
    }
  };
  return {
    cert: await read('tlscert', tls.cert),
    key: await read('tlskey', tls.key),
    ca: tls.caCert ? await read('tlscacert', tls.caCert) : undefined,
    verifyClients: tls.verify,
  };
}
