import type { EndpointSettings, NetworkConnectRequest, NetworkDisconnectRequest } from '#api/types/network.ts';
import type { Container } from '#container/container.ts';
import { findContainer } from '#container/store.ts';
import { type EngineError, forbidden, notFound } from '#errors/errors.ts';
import { replaceFile } from '#lib/durable-file.ts';
import { fault } from '#lib/write-steps.ts';
import { emptyEndpoint, parseMode } from '#network/attach-request.ts';
import { checkEndpoint } from '#network/check-endpoint.ts';
import type { NetworkRecord } from '#network/network-record.ts';
import type { KeepSandbox } from '#network/parts.ts';
import type { Engine } from './engine.ts';
import { refreshHosts, rewriteHosts } from './etc-hosts.ts';
import { tellNetwork } from './launch/launch-network.ts';
import { refuseRemoving } from './refusals.ts';

/**
 * `POST /networks/{id}/connect`. A running container is on the network when it resolves, another one will be when it
 * starts. Throws `not-found`, and `forbidden` or `invalid` in Docker's words.
 */
export async function connectNetwork(engine: Engine, name: string, request: NetworkConnectRequest): Promise<void> {
  const record = engine.networks.resolve(name);
  const container = engine.containers.get(request.Container);
  const settings: Partial<EndpointSettings> = request.EndpointConfig ?? {};
  await container.lock.run(async () => {
    refuseRemoving(container);
    refuseConnection(container, record);
    checkEndpoint(record, settings);
    if (container.running) {
      await engine.networks.connect(container.id, record, settings, keeper(engine, container));
      tellNetwork(engine, container, record.name, 'connect');
      await refreshHosts(engine, [record.name]);
    }
    const asked = container.record.networkingConfig.EndpointsConfig ?? {};
    setEndpoints(container, { ...asked, [record.name]: emptyEndpoint('', settings) });
    await engine.containers.save(container);
    fault('network.rewire.saved');
  });
}

/** `POST /networks/{id}/disconnect`. Throws as `connectNetwork`. */
export async function disconnectNetwork(
  engine: Engine,
  name: string,
  { Container: reference, Force: force }: NetworkDisconnectRequest,
): Promise<void> {
  const record = engine.networks.resolve(name);
  const container = force ? findContainer(engine.containers, reference) : engine.containers.get(reference);
  if (!container) throw notFound(`endpoint ${reference} not found`);
  await container.lock.run(async () => {
    refuseRemoving(container);
    if (record.driver === 'host') throw hostNetwork();
    const { [record.name]: asked, ...others } = container.record.networkingConfig.EndpointsConfig ?? {};
    if (container.running && container.record.sandbox?.networks[record.name]) {
      await engine.networks.disconnect(container.id, record.name, keeper(engine, container));
      tellNetwork(engine, container, record.name, 'disconnect', record.id);
      await rewriteHosts(engine, container);
      await refreshHosts(engine, [record.name]);
    } else if (!asked || container.running) {
      const the = container.running ? '' : 'the ';
      throw forbidden(`container ${container.id} is not connected to ${the}network ${record.name}`);
    }
    setEndpoints(container, others);
    await engine.containers.save(container);
    fault('network.rewire.saved');
  });
}

function refuseConnection({ record: { hostConfig, networkingConfig } }: Container, record: NetworkRecord): void {
  const mode = parseMode(hostConfig.NetworkMode);
  if (mode.kind === 'container' || (mode.name === 'host' && record.driver !== 'host')) {
    throw forbidden(
      'container sharing network namespace with another container or host cannot be connected to any other network',
    );
  }
  if (record.driver === 'host') throw hostNetwork();
  if (record.driver === 'null' || networkingConfig.EndpointsConfig?.none) {
    throw forbidden(
      'container cannot be connected to multiple networks with one of the networks in private (none) mode',
      { hint: 'Disconnect it from the network none first.' },
    );
  }
}

function hostNetwork(): EngineError {
  return forbidden('container cannot be disconnected from host network or connected to host network');
}

/** Writes the sandbox to the run's folder first; nothing for a container that has ended meanwhile. */
function keeper(engine: Engine, container: Container): KeepSandbox {
  return async (sandbox) => {
    if (!container.running) return;
    await replaceFile(engine.paths.container(container.id).sandbox, JSON.stringify(sandbox));
    if (container.running) container.setSandbox(sandbox);
  };
}

function setEndpoints(container: Container, endpoints: Record<string, EndpointSettings>): void {
  container.record.networkingConfig.EndpointsConfig = endpoints;
  container.revision++;
}
