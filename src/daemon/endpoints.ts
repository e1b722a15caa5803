import type { HostConfig } from '#api/types/host-config.ts';
import type { EndpointSettings, NetworkingConfig } from '#api/types/network.ts';
import type { ContainerRecord } from '#container/record.ts';
import { invalid, isEngineError } from '#errors/errors.ts';
import { type AttachRequest, emptyEndpoint, type PortWishes, parseMode } from '#network/attach-request.ts';
import { checkEndpoint } from '#network/check-endpoint.ts';
import type { Engine } from './engine.ts';
import { sharedContainer } from './shared-namespaces.ts';

/**
 * The networks of a new container, by name: those that the request names, and that of its mode; a request that names no
 * mode leaves it to the others. Throws `not-found` for one that is not there, `invalid` for settings that cannot be.
 */
export function endpointsAtCreate(
  engine: Engine,
  { NetworkMode: mode }: Pick<HostConfig, 'NetworkMode'>,
  { EndpointsConfig: asked }: NetworkingConfig,
): Record<string, EndpointSettings> {
  const { networks } = engine;
  const parsed = parseMode(mode);
  if (parsed.kind === 'container') return {};
  const named = Object.entries(asked ?? {}).map(([name, settings]) => ({
    record: networks.resolve(name),
    settings: settings ?? {},
  }));
  const own = networks.resolve(parsed.name);
  const ownIsThere = named.some(({ record }) => record.id === own.id);
  const leftToOthers = (mode === 'default' || mode === '') && named.length > 0;
  const all = ownIsThere || leftToOthers ? named : [...named, { record: own, settings: {} }];
  return Object.fromEntries(
    all.map(({ record, settings }) => {
      refuseFor(record.name, () => checkEndpoint(record, settings));
      return [record.name, emptyEndpoint('', settings)];
    }),
  );
}

function refuseFor(network: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!isEngineError(error, 'invalid')) throw error;
    throw invalid(`invalid config for network ${network}: ${error.message}`, { hint: error.hint, cause: error });
  }
}

/** What the container asks of its networks when it starts. */
export function attachRequest(engine: Engine, record: ContainerRecord): AttachRequest {
  const { id, name, config, hostConfig, networkingConfig } = record;
  const partner = sharedContainer(engine, hostConfig.NetworkMode);
  const disabled = config.NetworkDisabled && !partner;
  return {
    containerId: id,
    name,
    mode: disabled ? 'none' : partner ? `container:${partner.id}` : hostConfig.NetworkMode,
    endpoints: disabled ? undefined : (networkingConfig.EndpointsConfig ?? undefined),
    macAddress: config.MacAddress,
    names: ownNames(record),
    ...portWishes(record),
  };
}

export function portWishes({ config, hostConfig }: ContainerRecord): PortWishes {
  return {
    exposedPorts: Object.keys(config.ExposedPorts ?? {}),
    portBindings: hostConfig.PortBindings ?? {},
    publishAll: hostConfig.PublishAllPorts,
  };
}

/** By which names, besides its name and id, its neighbours know a container. */
export function ownNames({ id, config: { Hostname: hostname } }: ContainerRecord): string[] {
  return hostname && hostname !== id.slice(0, 12) ? [hostname] : [];
}

/**
 * Makes the record ask for the networks that its running container has: an engine that was killed between changing them
 * and writing the row leaves it behind.
 */
export function alignEndpoints(record: ContainerRecord): void {
  const { sandbox, networkingConfig } = record;
  if (!sandbox || sandbox.id === '') return;
  const asked = networkingConfig.EndpointsConfig ?? {};
  networkingConfig.EndpointsConfig = Object.fromEntries(
    Object.entries(sandbox.networks).map(([name, endpoint]) => [
      name,
      asked[name] ?? emptyEndpoint('', { ...endpoint, MacAddress: '' }),
    ]),
  );
}
