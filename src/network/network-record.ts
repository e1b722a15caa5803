import type { IPAM, IPAMConfig, Network, NetworkContainer } from '#api/types/network.ts';
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
  /** What its creator asked for; the networks that the engine makes itself have none. */
  request?: NetworkRequest;
}

export interface NetworkRequest {
  /** As given, for inspect; the bridge has what became of it. */
  ipam: IPAM;
  options: Record<string, string>;
  labels: Record<string, string>;
  internal: boolean;
  attachable: boolean;
  enableIPv6: boolean;
  /** It only lends its configuration to others. */
  configOnly: boolean;
  /** Name of the network that lent it; empty = none. */
  configFrom: string;
}

export type NetworkStore = Pick<Database, 'read' | 'write'>;

const PREDEFINED: Pick<NetworkRecord, 'name' | 'driver'>[] = [
  { name: 'bridge', driver: 'bridge' },
  { name: 'host', driver: 'host' },
  { name: 'none', driver: 'null' },
];

export function isPredefined(name: string): boolean {
  return PREDEFINED.some((network) => network.name === name);
}

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

export async function deleteRecord(store: NetworkStore, { id }: NetworkRecord): Promise<void> {
  await store.write([{ sql: 'DELETE FROM networks WHERE id = ?', params: [id] }]);
}

/** The network as inspect shows it. */
export function toWire(
  record: NetworkRecord,
  settings: NetworkSettings,
  containers: Record<string, NetworkContainer>,
): Network {
  const { bridge, request } = record;
  return {
    Name: record.name,
    Id: record.id,
    Created: record.created,
    Scope: 'local',
    Driver: record.driver,
    EnableIPv4: true,
    EnableIPv6: request?.enableIPv6 ?? false,
    IPAM: {
      Driver: request?.ipam.Driver ?? 'default',
      Options: request?.ipam.Options ?? null,
      Config: request?.ipam.Config?.length ? request.ipam.Config : bridge ? [ipamConfig(bridge)] : null,
    },
    Internal: request?.internal ?? false,
    Attachable: request?.attachable ?? false,
    Ingress: false,
    ConfigFrom: { Network: request?.configFrom ?? '' },
    ConfigOnly: request?.configOnly ?? false,
    Containers: containers,
    Options: request?.options ?? (bridge ? bridgeOptions(bridge, settings) : {}),
    Labels: request?.labels ?? {},
  };
}

function ipamConfig({ subnet, range, gateway }: BridgeNetwork): IPAMConfig {
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
