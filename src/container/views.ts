import type { ContainerInspect, ContainerState, ContainerSummary, Health } from '#api/types/container.ts';
import type { EndpointSettings, NetworkSettings } from '#api/types/network.ts';
import type { Port, PortMap } from '#api/types/port.ts';
import { humanDuration } from '#lib/human-duration.ts';
import { formatTime } from '#lib/time.ts';
import type { Container } from './container.ts';
import { bridgeEndpoint, commandLine } from './description.ts';

/** Host paths of a container's files and of its writable layer, for inspect. */
export interface InspectPaths {
  resolvConf: string;
  hostname: string;
  hosts: string;
  log: string;
  graphDriver: { Name: string; Data: Record<string, string> };
}

/** The wire form of `GET /containers/{id}/json`. */
export function inspectView(container: Container, paths: InspectPaths): ContainerInspect {
  const { record } = container;
  const [path = '', ...args] = commandLine(record.config);
  return {
    Id: record.id,
    Created: formatTime(record.created),
    Path: path,
    Args: args,
    State: stateView(container),
    Image: record.imageId,
    ResolvConfPath: paths.resolvConf,
    HostnamePath: paths.hostname,
    HostsPath: paths.hosts,
    LogPath: paths.log,
    Name: `/${record.name}`,
    RestartCount: record.restartCount,
    Driver: record.driver,
    Platform: record.platform,
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: container.execIds.size > 0 ? [...container.execIds] : null,
    HostConfig: record.hostConfig,
    GraphDriver: paths.graphDriver,
    Mounts: record.mountPoints,
    Config: record.config,
    NetworkSettings: networkView(container),
  };
}

function stateView(container: Container): ContainerState {
  const { state, status } = container;
  return {
    Status: status,
    Running: state.status === 'running' || state.status === 'restarting',
    Paused: status === 'paused',
    Restarting: state.status === 'restarting',
    OOMKilled: state.oomKilled,
    Dead: state.status === 'dead',
    Pid: state.pid,
    ExitCode: state.exitCode,
    Error: state.error,
    StartedAt: formatTime(state.startedAt),
    FinishedAt: formatTime(state.finishedAt),
    ...(state.health && { Health: state.health }),
  };
}

/** The endpoints of a container with a sandbox, else those it will ask for, with nothing assigned. */
function endpointsOf({ record }: Container): Record<string, EndpointSettings> {
  if (record.sandbox) return record.sandbox.networks;
  return record.networkingConfig.EndpointsConfig ?? {};
}

function networkView(container: Container): NetworkSettings {
  const { sandbox, hostConfig } = container.record;
  const networks = endpointsOf(container);
  const bridge = bridgeEndpoint(networks, hostConfig.NetworkMode);
  return {
    Bridge: '',
    SandboxID: sandbox?.id ?? '',
    SandboxKey: sandbox?.netnsPath ?? '',
    Ports: sandbox?.ports ?? {},
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: bridge?.EndpointID ?? '',
    Gateway: bridge?.Gateway ?? '',
    GlobalIPv6Address: bridge?.GlobalIPv6Address ?? '',
    GlobalIPv6PrefixLen: bridge?.GlobalIPv6PrefixLen ?? 0,
    IPAddress: bridge?.IPAddress ?? '',
    IPPrefixLen: bridge?.IPPrefixLen ?? 0,
    IPv6Gateway: bridge?.IPv6Gateway ?? '',
    MacAddress: bridge?.MacAddress ?? '',
    Networks: networks,
  };
}

/**
 * One row of `GET /containers/json`; `image` is how the container's image is called now, `linkNames` what the links of
 * others call the container. `now` in ns.
 */
export function summaryView(
  container: Container,
  { image, linkNames, now }: { image: string; linkNames: readonly string[]; now: bigint },
): ContainerSummary {
  const { record } = container;
  return {
    Id: record.id,
    Names: [`/${record.name}`, ...linkNames],
    Image: image,
    ImageID: record.imageId,
    Command: commandLine(record.config).join(' '),
    Created: Number(record.created / 1_000_000_000n),
    Ports: portList(record.sandbox?.ports ?? {}),
    Labels: record.config.Labels ?? {},
    State: container.status,
    Status: statusText(container, now),
    HostConfig: { NetworkMode: record.hostConfig.NetworkMode },
    NetworkSettings: { Networks: endpointsOf(container) },
    Mounts: record.mountPoints,
  };
}

/** The STATUS column of `ps`. */
export function statusText(container: Container, now: bigint): string {
  const { state, status } = container;
  const since = (ns: bigint) => humanDuration(Number(now - ns) / 1e9);
  switch (status) {
    case 'created':
      return 'Created';
    case 'removing':
      return 'Removal In Progress';
    case 'dead':
      return 'Dead';
    case 'restarting':
      return `Restarting (${state.exitCode}) ${since(state.finishedAt)} ago`;
    case 'running':
      return `Up ${since(state.startedAt)}${healthText(state.health)}`;
    case 'paused':
      return `Up ${since(state.startedAt)} (Paused)`;
    case 'exited':
      return `Exited (${state.exitCode}) ${since(state.finishedAt)} ago`;
  }
}

function healthText(health: Health | undefined): string {
  if (!health) return '';
  return health.Status === 'starting' ? ' (health: starting)' : ` (${health.Status})`;
}

/** The PORTS column: published ones once per binding, exposed ones once. */
export function portList(ports: PortMap): Port[] {
  return Object.entries(ports).flatMap(([key, bindings]) => {
    const [port, type = 'tcp'] = key.split('/');
    const base = { PrivatePort: Number(port), Type: type as Port['Type'] };
    if (!bindings?.length) return [base];
    return bindings.map((binding) => ({ IP: binding.HostIp, ...base, PublicPort: Number(binding.HostPort) }));
  });
}
