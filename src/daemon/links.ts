import type { HostConfig } from '#api/types/host-config.ts';
import type { Container } from '#container/container.ts';
import { findContainer } from '#container/store.ts';
import { invalid, system } from '#errors/errors.ts';
import { parseMode } from '#network/attach-request.ts';
import type { Neighbour } from '#network/neighbours.ts';
import type { TransportProtocol } from '#network/published-port.ts';
import type { LinkedPort } from '#network/ruleset.ts';
import type { Engine } from './engine.ts';

/** The links of the default bridge (`--link db:alias`): names in /etc/hosts, and variables that say where things are. */

/** `HostConfig.Links` as they are kept, `/db:/web/alias`. Throws `invalid` for one to a container that is not there. */
export function resolveLinks(
  engine: Engine,
  name: string,
  { Links: links, NetworkMode: mode }: HostConfig,
): string[] | null {
  if (!links?.length || !onDefaultBridge(mode)) return links;
  return links.map((link) => {
    const [target = '', alias] = link.split(':');
    const container = findContainer(engine.containers, target);
    if (!container) throw invalid(`could not get container for ${target}: No such container: ${target}`);
    return `/${container.name}:/${name}/${alias ?? container.name}`;
  });
}

/** Those linked to, as far as they run. */
export function linkedNeighbours(engine: Engine, container: Container): Neighbour[] {
  return linksOf(engine, container).flatMap(({ alias, target }) => {
    const address = target && bridgeAddress(target);
    if (!address) return [];
    const names = [alias, target.record.config.Hostname, target.name];
    return [{ address, names: [...new Set(names)].filter((name) => name !== ''), network: 'bridge' }];
  });
}

/**
 * The variables of a container's links, as `KEY=value`. Throws `system` in Docker's words for a link to a container that
 * does not run, or is not on the default bridge.
 */
export function linkEnvironment(engine: Engine, container: Container): string[] {
  return linksOf(engine, container).flatMap(({ alias, target, path }) => {
    if (target && !target.record.networkingConfig.EndpointsConfig?.bridge) {
      throw system(`Cannot link to ${path.target}, as it does not belong to the default network`);
    }
    const address = target && bridgeAddress(target);
    if (!target?.running || !address) {
      throw system(`Cannot link to a non running container: ${path.target} AS ${path.own}`);
    }
    return variables(alias, path.own, address, target);
  });
}

/** What containers may reach of those they are linked to where `--icc=false` keeps neighbours apart; else nothing. */
export function linkedPorts(engine: Engine): LinkedPort[] {
  if (engine.networks.icc) return [];
  return [...engine.containers].flatMap((container) => {
    const from = bridgeAddress(container);
    if (!from) return [];
    return linksOf(engine, container).flatMap(({ target }) => {
      const to = target && bridgeAddress(target);
      return to ? exposedPorts(target).map((exposed) => ({ from, to, ...exposed })) : [];
    });
  });
}

function linksOf(engine: Engine, { record }: Container) {
  const { Links: links, NetworkMode: mode } = record.hostConfig;
  if (!links?.length || !onDefaultBridge(mode)) return [];
  return links.map((link) => {
    const [target = '', own = ''] = link.split(':');
    return { alias: own.split('/').at(-1)!, target: findContainer(engine.containers, target), path: { target, own } };
  });
}

function bridgeAddress({ record }: Container): string | undefined {
  return record.sandbox?.networks.bridge?.IPAddress;
}

/** By number, then by protocol. */
function exposedPorts({ record }: Container): { port: number; protocol: TransportProtocol }[] {
  const keys = Object.keys(record.config.ExposedPorts ?? {}).map(
    (key) => key.split('/') as [string, TransportProtocol],
  );
  const ports = keys.map(([port, protocol]) => ({ port: Number(port), protocol }));
  return ports.sort((a, b) => a.port - b.port || (a.protocol < b.protocol ? -1 : 1));
}

function variables(alias: string, path: string, address: string, target: Container): string[] {
  const prefix = alias.replaceAll('-', '_').toUpperCase();
  const ports = exposedPorts(target);
  const [first] = ports;
  const own = target.record.config.Env?.filter((variable) => !/^(HOME|PATH)=/.test(variable)) ?? [];
  return [
    ...(first ? [`${prefix}_PORT=${first.protocol}://${address}:${first.port}`] : []),
    ...ports.flatMap(({ port, protocol }) => {
      const name = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`;
      const parts = [`=${protocol}://${address}:${port}`, `_ADDR=${address}`, `_PORT=${port}`, `_PROTO=${protocol}`];
      return parts.map((part) => `${name}${part}`);
    }),
    `${prefix}_NAME=${path}`,
    ...own.map((variable) => `${prefix}_ENV_${variable}`),
  ];
}

function onDefaultBridge(mode: string): boolean {
  const parsed = parseMode(mode);
  return parsed.kind === 'network' && parsed.name === 'bridge';
}
