import type { Network } from '#api/types/network.ts';
import { invalid } from '#errors/errors.ts';
import {
  booleanFilter,
  checkFilterNames,
  type Filters,
  matchesAny,
  matchesExactly,
  matchesLabels,
} from '#lib/filters.ts';
import { isPredefined } from './network-record.ts';

const NAMES: ReadonlySet<string> = new Set(['dangling', 'driver', 'id', 'label', 'name', 'scope', 'type']);

/** The networks that `GET /networks` shows, sorted by name. Throws `invalid` for an unknown filter or value. `inUse` are names. */
export function selectNetworks(networks: readonly Network[], filters: Filters, inUse: ReadonlySet<string>): Network[] {
  checkFilterNames(filters, NAMES);
  const dangling = filters.has('dangling') ? booleanFilter(filters, 'dangling', false) : undefined;
  const unused = ({ Name: name }: Network) => !isPredefined(name) && !inUse.has(name);
  for (const type of filters.get('type') ?? []) {
    if (type !== 'custom' && type !== 'builtin') throw invalid(`invalid filter: 'type'='${type}'`);
  }
  return networks
    .filter(
      (network) =>
        (dangling === undefined || dangling === unused(network)) &&
        matchesExactly(filters, 'driver', network.Driver) &&
        matchesExactly(filters, 'scope', network.Scope) &&
        matchesExactly(filters, 'type', isPredefined(network.Name) ? 'builtin' : 'custom') &&
        matchesAny(filters, 'id', (wanted) => network.Id.startsWith(wanted)) &&
        matchesAny(filters, 'name', (wanted) => network.Name.includes(wanted)) &&
        matchesLabels(filters, 'label', network.Labels),
    )
    .sort((a, b) => (a.Name < b.Name ? -1 : 1));
}
