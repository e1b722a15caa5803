import { invalid } from '#errors/errors.ts';
import type { Digest } from '#lib/digest.ts';
import { checkFilterNames, type Filters, matchesAny, matchesExactly, matchesLabels } from '#lib/filters.ts';
import type { Container } from './container.ts';
import type { ContainerStore } from './store.ts';

const NAMES = new Set([
  ...['ancestor', 'before', 'exited', 'expose', 'health', 'id', 'is-task', 'isolation', 'label', 'name', 'network'],
  ...['publish', 'since', 'status', 'volume'],
]);
const STATUSES = new Set(['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead']);
const HEALTHS = new Set(['none', 'starting', 'healthy', 'unhealthy']);

export interface ListRequest {
  all: boolean;
  /** The newest so many, running or not; 0 = no limit. */
  limit: number;
  filters: Filters;
}

/**
 * The containers that `ps` shows, newest first. `familyOf` gives the ids of
 * the image that an `ancestor` filter names and of all made from it. Throws `invalid` for unknown filters and values.
 */
export function selectContainers(
  store: ContainerStore,
  { all, limit, filters }: ListRequest,
  familyOf: (name: string) => ReadonlySet<Digest>,
): Container[] {
  checkFilterNames(filters, NAMES);
  const exited = (filters.get('exited') ?? []).map(exitCode);
  for (const status of filters.get('status') ?? []) {
    if (!STATUSES.has(status)) throw invalid(`invalid filter 'status=${status}'`);
  }
  for (const health of filters.get('health') ?? []) {
    if (!HEALTHS.has(health)) throw invalid(`unrecognized filter value for health: ${health}`);
  }
  const everything = all || limit > 0 || filters.has('status') || filters.has('exited');
  const families = filters.get('ancestor')?.map(familyOf);
  const bound = (name: string) => (filters.get(name) ?? []).map((reference) => store.get(reference));
  const before = bound('before');
  const since = bound('since');
  const selected = store.list().filter((container) => {
    const { record } = container;
    return (
      (everything || container.active) &&
      before.every((other) => record.created < other.record.created) &&
      since.every((other) => record.created > other.record.created) &&
      (exited.length === 0 || (container.status === 'exited' && exited.includes(container.state.exitCode))) &&
      (families?.some((family) => family.has(record.imageId)) ?? true) &&
      matchesExactly(filters, 'status', container.status) &&
      matchesText(container, filters)
    );
  });
  return limit > 0 ? selected.slice(0, limit) : selected;
}

function matchesText({ record }: Container, filters: Filters): boolean {
  const networks = Object.entries(record.sandbox?.networks ?? record.networkingConfig.EndpointsConfig ?? {});
  const ports = Object.entries(record.sandbox?.ports ?? {});
  return (
    matchesAny(filters, 'id', (wanted) => record.id.startsWith(wanted)) &&
    matchesAny(filters, 'name', (wanted) => matchesName(record.name, wanted)) &&
    matchesLabels(filters, 'label', record.config.Labels) &&
    matchesAny(filters, 'network', (wanted) =>
      networks.some(([name, endpoint]) => name === wanted || (wanted !== '' && endpoint.NetworkID?.startsWith(wanted))),
    ) &&
    matchesAny(filters, 'volume', (wanted) =>
      record.mountPoints.some((mount) => [mount.Name, mount.Source, mount.Destination].includes(wanted)),
    ) &&
    matchesAny(filters, 'expose', (wanted) =>
      inRange(
        wanted,
        ({ port, type }) => `${port}/${type}` in (record.config.ExposedPorts ?? {}) || has(ports, port, type),
      ),
    ) &&
    matchesAny(filters, 'publish', (wanted) =>
      inRange(wanted, ({ port, type }) =>
        ports.some(([key, bindings]) => key.endsWith(`/${type}`) && bindings?.some((b) => Number(b.HostPort) === port)),
      ),
    ) &&
    matchesExactly(filters, 'health', record.state.health?.Status ?? 'none') &&
    matchesAny(filters, 'is-task', (wanted) => wanted === 'false' || wanted === '0') &&
    matchesAny(filters, 'isolation', (wanted) => wanted === 'default' || wanted === '')
  );
}

const has = (ports: [string, unknown][], port: number, type: string) =>
  ports.some(([key]) => key === `${port}/${type}`);

/** A name filter is a regular expression, tried with and without the slash; an invalid one matches as plain text. */
function matchesName(name: string, wanted: string): boolean {
  try {
    const pattern = new RegExp(wanted);
    return pattern.test(name) || pattern.test(`/${name}`);
  } catch {
    return name.includes(wanted);
  }
}

/** `80`, `80/udp` or `8000-8010/tcp`: whether `test` holds for one of the ports. */
function inRange(text: string, test: (port: { port: number; type: string }) => boolean): boolean {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/.exec(text);
  if (!match) throw invalid(`invalid port specification: '${text}'`);
  const first = Number(match[1]);
  const last = Math.min(Number(match[2] ?? first), 65_535);
  for (let port = first; port <= last; port++) if (test({ port, type: match[3] ?? 'tcp' })) return true;
  return false;
}

function exitCode(text: string): number {
  if (!/^\d+$/.test(text)) throw invalid(`invalid filter 'exited=${text}'`, { hint: 'Exit codes are numbers.' });
  return Number(text);
}
