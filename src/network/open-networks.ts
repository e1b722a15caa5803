import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { unavailable } from '#errors/errors.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import { findProgram } from '#programs/find.ts';
import { ensureForwarding } from './bridge.ts';
import { planDefaultNetwork } from './default-network.ts';
import { Firewall } from './firewall.ts';
import { readHostNetwork } from './host-network.ts';
import { hasIpv6, readEphemeralRange } from './host-ports.ts';
import { Ipv6Proxy } from './ipv6-proxy.ts';
import { loadRecords, type NetworkStore, saveRecord } from './network-record.ts';
import { Networks } from './networks.ts';
import { PortHolder } from './port-holder.ts';
import { PortPublisher } from './port-publisher.ts';
import { NetworkRegistry } from './registry.ts';
import { DEFAULT_NETWORK_SETTINGS, type NetworkSettings } from './settings.ts';

export interface OpenNetworksOptions {
  store: NetworkStore;
  launcher: Launcher;
  /** Namespaces are pinned in its folder `netns`. */
  execRoot: string;
  settings?: Partial<NetworkSettings>;
  log: (message: string) => void;
}

/**
 * Puts the default bridge in place and gives the networks, which need one `reconcile` before the first container.
 * Throws `invalid` for settings that cannot be, `conflict` when the bridge's name belongs to another kind of link,
 * `unavailable` without nft.
 */
export async function openNetworks(options: OpenNetworksOptions): Promise<Networks> {
  const { store, launcher, execRoot, log } = options;
  const settings: NetworkSettings = { ...DEFAULT_NETWORK_SETTINGS, ...options.settings };
  const folder = join(execRoot, 'netns');
  await mkdir(folder, { recursive: true, mode: 0o711 });
  const [records, host, ephemeral, withIpv6] = await Promise.all([
    loadRecords(store),
    readHostNetwork(launcher),
    readEphemeralRange(),
    hasIpv6(),
  ]);

  if (!(await findProgram('nft'))) {
    throw unavailable('the program nft is not there, which sets the firewall up', { hint: 'Install nftables.' });
  }
  const record = records.get('bridge')!;
  const network = planDefaultNetwork(settings, host, record.bridge);
  if (JSON.stringify(network) !== JSON.stringify(record.bridge)) {
    record.bridge = network;
    await saveRecord(store, record);
  }
  const firewall = new Firewall({ launcher, log });
  const registry = new NetworkRegistry({ store, launcher, folder, settings, records, firewall, log });
  await registry.open(host);
  if (settings.ipForward && (await ensureForwarding())) {
    log('net.ipv4.ip_forward was off: it has been switched on, so that containers reach other hosts');
  }

  const ipv6 = withIpv6 ? new Ipv6Proxy(launcher) : undefined;
  const publisher = new PortPublisher(new PortHolder({ launcher, ipv6, ephemeral }), firewall);
  return new Networks({ launcher, folder, settings, registry, firewall, publisher, ipv6, log });
}
