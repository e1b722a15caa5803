import type { Network, NetworkContainer } from '#api/types/network.ts';
import type { Database } from '#metadata/database.ts';
import type { BridgeNetwork } from './default-network.ts';
import { randomId } from './sandbox.ts';
import type { NetworkSettings } from './settings.ts';

/** A network as it is kept: one row of the table `networks`. */
export interface NetworkRecord {
  /** 64 hex digits */
  id: string;
  name: string;
  driver: 'bridge' | 'host' | 'null';
  /** RFC 3339 */
  created: string;
  /** Of networks with the driver `bridge`. */
  bridge?: BridgeNetwork;
}

export type NetworkStore = Pick<Database, 'read' | 'write'>;

const PREDEFINED: Pick<NetworkRecord, 'name' | 'driver'>[] = [
  { name: 'bridge', driver: 'bridge' },
  { name: 'host', driver: 'host' },
  { name: 'none', driver: 'null' },
];

/** All records, by name; the predefined networks get theirs when they have none. */
export async function loadRecords(store: NetworkStore): Promise<Map<string, NetworkRecord>> {
  const rows = await store.read('SELECT record FROM networks', []);
  const records = new Map<string, NetworkRecord>();
  for (const { record } of rows) {
    const parsed = JSON.parse(String(record)) as NetworkRecord;
    records.set(parsed.name, parsed);
  }
  for (const { name, driver } of PREDEFINED) {
    if (records.has(name)) continue;
    const record: NetworkRecord = { id: randomId(), name, driver, created: new Date().toISOString() };
    await saveRecord(store, record);
    records.set(name, record);
  }
  return records;
}

export async function saveRecord(store: NetworkStore, record: NetworkRecord): Promise<void> {
  const sql = 'INSERT OR REPLACE INTO networks (id, name, record) VALUES (?, ?, ?)';
  await store.write([{ sql, params: [record.id, record.name, JSON.stringify(record)] }]);
}

/** The network as inspect shows it. */
export function toWire(
  record: NetworkRecord,
  settings: NetworkSettings,
  containers: Record<string, NetworkContainer>,
): Network {
  const { bridge } = record;
  return {
    Name: record.name,
    Id: record.id,
    Created: record.created,
    Scope: 'local',
    Driver: record.driver,
    EnableIPv4: true,
    EnableIPv6: false,
    IPAM: { Driver: 'default', Options: null, Config: bridge ? [ipamConfig(bridge)] : [] },
    Internal: false,
    Attachable: false,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: containers,
    Options: bridge ? bridgeOptions(bridge, settings) : {},
    Labels: {},
  };
}

function ipamConfig({ subnet, range, gateway }: BridgeNetwork): { Subnet: string; IPRange?: string; Gateway: string } {
  return { Subnet: subnet, ...(range === subnet ? {} : { IPRange: range }), Gateway: gateway };
}

function bridgeOptions({ link, mtu }: BridgeNetwork, settings: NetworkSettings): Record<string, string> {
  return {
    'com.docker.network.bridge.default_bridge': 'true',
    'com.docker.network.bridge.enable_icc': String(settings.icc),
    'com.docker.network.bridge.enable_ip_masquerade': String(settings.ipMasquerade),
    'com.docker.network.bridge.host_binding_ipv4': settings.publishAddress,
    'com.docker.network.bridge.name': link,
    'com.docker.network.driver.mtu': String(mtu),
  };
}
