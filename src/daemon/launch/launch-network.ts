import { readFile, writeFile } from 'node:fs/promises';
import type { Container } from '#container/container.ts';
import { errnoCode } from '#errors/errors.ts';
import { fault } from '#lib/write-steps.ts';
import { readHostResolvConf } from '#network/host-network.ts';
import { containerHosts, hostNetworkHosts, withNeighbours } from '#network/hosts-file.ts';
import { containerResolvConf } from '#network/resolv-conf.ts';
import type { Sandbox } from '#network/sandbox.ts';
import { attachRequest } from '../endpoints.ts';
import type { Engine } from '../engine.ts';
import { hostsNeighbours, refreshHosts } from '../etc-hosts.ts';
import { sharedContainer } from '../shared-namespaces.ts';

/** The drivers of networks that are no bridge. */
const DRIVERS: Readonly<Record<string, string>> = { host: 'host', none: 'null' };

/**
 * Gives the container its sandbox, in the record before anything else looks at it and in the run's folder: an engine
 * that is killed before the row is saved has left a process that runs in it.
 */
export async function attachNetwork(engine: Engine, container: Container): Promise<void> {
  const { record } = container;
  const sandbox = await engine.networks.attach(attachRequest(engine, record));
  await writeFile(engine.paths.container(record.id).sandbox, JSON.stringify(sandbox));
  fault('container.start.network');
  container.setSandbox(sandbox);
  const names = Object.keys(sandbox.networks);
  for (const name of names) tellNetwork(engine, container, name, 'connect');
  await refreshHosts(engine, names);
}

/** The network that the container's process was started in; undefined when it has none that is known. */
export async function readSandbox(engine: Engine, container: Container): Promise<Sandbox | undefined> {
  const text = await readOptional(engine.paths.container(container.id).sandbox);
  return text === '' ? container.record.sandbox : (JSON.parse(text) as Sandbox);
}

/** The network is given back; inspect shows no address any more. */
export function detachNetwork(engine: Engine, container: Container): void {
  const names = Object.keys(container.record.sandbox?.networks ?? {});
  for (const name of names) tellNetwork(engine, container, name, 'disconnect');
  container.setSandbox(undefined);
  engine.networks.leave(container.id);
  void engine.background.run('telling neighbours of a container that has ended', () => refreshHosts(engine, names));
}

/** Says that a container has come onto a network, or left it. */
export function tellNetwork(
  engine: Engine,
  { id, record }: Container,
  name: string,
  action: 'connect' | 'disconnect',
  networkId?: string,
): void {
  const target = networkId ?? record.sandbox?.networks[name]?.NetworkID ?? '';
  engine.events.publish('network', action, target, { container: id, name, type: DRIVERS[name] ?? 'bridge' });
}

/** Writes hosts, hostname and resolv.conf; a container in another's namespace uses the other's files. */
export async function writeEtcFiles(engine: Engine, container: Container): Promise<void> {
  const { record } = container;
  if (sharedContainer(engine, record.hostConfig.NetworkMode)) return;
  const paths = engine.paths.container(record.id);
  const hostNetwork = record.hostConfig.NetworkMode === 'host';
  const addresses = Object.values(record.sandbox?.networks ?? {}).flatMap((endpoint) =>
    [endpoint.IPAddress, endpoint.GlobalIPv6Address].filter((address) => address !== ''),
  );
  const extraHosts = record.hostConfig.ExtraHosts ?? [];
  const hostGateway = engine.config.hostGatewayAddress ?? engine.networks.hostGateway;
  const { Hostname: hostname, Domainname: domainname } = record.config;
  const hosts = hostNetwork
    ? hostNetworkHosts(await readOptional('/etc/hosts'), { extraHosts, hostGateway })
    : containerHosts({ hostname, domainname, addresses, extraHosts, hostGateway });
  const dns = {
    servers: record.hostConfig.Dns?.length ? record.hostConfig.Dns : engine.config.dns,
    search: record.hostConfig.DnsSearch?.length ? record.hostConfig.DnsSearch : engine.config.dnsSearch,
    options: record.hostConfig.DnsOptions?.length ? record.hostConfig.DnsOptions : engine.config.dnsOptions,
  };
  const resolvConf = containerResolvConf(await readHostResolvConf(), dns, { hostNetwork });
  await Promise.all([
    container.hostsLock.run(() => writeFile(paths.hosts, withNeighbours(hosts, hostsNeighbours(engine, container)))),
    writeFile(paths.hostname, `${hostname}\n`),
    writeFile(paths.resolvConf, resolvConf),
  ]);
}

async function readOptional(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return '';
    throw error;
  }
}
