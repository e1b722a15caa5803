import type { Network } from '#api/types/network.ts';
import {
  booleanFilter,
  checkFilterNames,
  type Filters,
  matchesAny,
  matchesExactly,
  matchesLabels,
} from '#lib/filters.ts';

const NAMES: ReadonlySet<string> = new Set(['dangling', 'driver', 'id', 'label', 'name', 'scope', 'type']);

/** Docker's networks: made by the engine itself, none of them by a user yet. */
const BUILT_IN: ReadonlySet<string> = new Set(['bridge', 'host', 'none']);

/** The networks that `GET /networks` shows, sorted by name. Throws `invalid` for an unknown filter or value. */
export function selectNetworks(networks: readonly Network[], filters: Filters): Network[] {
  checkFilterNames(filters, NAMES);
  const dangling = filters.has('dangling') ? booleanFilter(filters, 'dangling', false) : undefined;
  return networks
    .filter(
      (network) =>
        (dangling === undefined || dangling === false || !BUILT_IN.has(network.Name)) &&
        matchesExactly(filters, 'driver', network.Driver) &&
        matchesExactly(filters, 'scope', network.Scope) &&
        matchesExactly(filters, 'type', BUILT_IN.has(network.Name) ? 'builtin' : 'custom') &&
        matchesAny(filters, 'id', (wanted) => network.Id.startsWith(wanted)) &&
        matchesAny(filters, 'name', (wanted) => network.Name.includes(wanted)) &&
        matchesLabels(filters, 'label', network.Labels),
    )
    .sort((a, b) => (a.Name < b.Name ? -1 : 1));
}
