import type { Network, NetworkCreateRequest, NetworkCreateResponse, NetworkPruneResponse } from '#api/types/network.ts';
import { describe, isEngineError, notFound } from '#errors/errors.ts';
import type { Filters } from '#lib/filters.ts';
import { prunableBy } from '#lib/prune-filters.ts';
import { parseTime } from '#lib/time.ts';
import { isPredefined, type NetworkRecord } from '#network/network-record.ts';
import type { Engine } from './engine.ts';

/** `GET /networks`. */
export function listNetworks(engine: Engine, filters: Filters): Network[] {
  return engine.networks.list(filters, networksInUse(engine));
}

/** `GET /networks/{id}`. Every network is of the scope `local`: in another one nothing is found. */
export function inspectNetwork(engine: Engine, name: string, scope = 'local'): Network {
  if (scope !== 'local') throw notFound(`network ${name} not found`);
  return engine.networks.inspect(name);
}

/** `POST /networks/create`. */
export async function createNetwork(engine: Engine, request: NetworkCreateRequest): Promise<NetworkCreateResponse> {
  const record = await engine.networks.create(request);
  tell(engine, record, 'create');
  return { Id: record.id, Warning: '' };
}

/** `DELETE /networks/{id}`. */
export async function removeNetwork(engine: Engine, name: string): Promise<void> {
  tell(engine, await engine.networks.remove(name), 'destroy');
}

/** `POST /networks/prune`: the user's networks that no container names, running or not. */
export async function pruneNetworks(engine: Engine, filters: Filters): Promise<NetworkPruneResponse> {
  const isPrunable = prunableBy(filters);
  const candidates = engine.networks.list().filter(({ Name, ConfigOnly, Labels, Created }) => {
    if (isPredefined(Name) || ConfigOnly || networksInUse(engine).has(Name)) return false;
    return isPrunable({ labels: Labels, created: parseTime(Created) ?? 0n });
  });
  const deleted: string[] = [];
  for (const { Name: name } of candidates) {
    try {
      await removeNetwork(engine, name);
      deleted.push(name);
    } catch (error) {
      // It has been taken into use, or removed, meanwhile.
      if (!isEngineError(error, 'forbidden') && !isEngineError(error, 'not-found')) throw error;
      engine.log.info('a network was left by a prune', { network: name, error: describe(error) });
    }
  }
  engine.events.publish('network', 'prune', '', { reclaimed: '0' });
  return { NetworksDeleted: deleted.length > 0 ? deleted : null };
}

/** By name: those that a container is on, or will be when it starts. */
function networksInUse(engine: Engine): Set<string> {
  const endpoints = [...engine.containers].map(
    ({ record }) => record.sandbox?.networks ?? record.networkingConfig.EndpointsConfig,
  );
  return new Set(endpoints.flatMap((all) => Object.keys(all ?? {})));
}

function tell(engine: Engine, { id, name, driver }: NetworkRecord, action: 'create' | 'destroy'): void {
  engine.events.publish('network', action, id, { name, type: driver });
}
