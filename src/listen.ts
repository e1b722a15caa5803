import { resolveTargets } from '#api/server/resolve-target.ts';
import type { ApiServer } from '#api/server/server.ts';
import type { DaemonConfig } from '#daemon/config/config.ts';
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
    for (const target of await resolveTargets(host, { ...config, descriptors: launcher.kept })) {
      const key = `listen ${host}`;
      const fd = launcher.kept.get(key);
      const path = target.kind === 'unix' ? target.path : undefined;
      const listener = await server.listen(fd === undefined ? target : { ...target, kind: 'fd', fd, path });
      if (fd === undefined && target.kind !== 'fd') await launcher.keepDescriptor(key, listener.descriptor);
      log.info('listening', { host, access: target.access });
    }
  }
}
