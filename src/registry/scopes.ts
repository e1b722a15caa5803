/** `repository:library/busybox:pull,push` in parts. */
export interface Scope {
  type: string;
  name: string;
  actions: readonly string[];
}

export type RepositoryAction = 'pull' | 'push' | 'delete';

export function repositoryScope(name: string, ...actions: RepositoryAction[]): Scope {
  return { type: 'repository', name, actions };
}

/** What the catalogue needs. */
export const CATALOG_SCOPE: Scope = { type: 'registry', name: 'catalog', actions: ['*'] };

export function formatScope({ type, name, actions }: Scope): string {
  return `${type}:${name}:${actions.join(',')}`;
}

/** Scopes of a challenge's `scope` parameter, separated by spaces; malformed ones are left out. */
export function parseScopes(text: string): Scope[] {
  return text.split(/\s+/).flatMap((item) => {
    const match = /^([^:]+):(.+):([^:]*)$/.exec(item);
    return match ? [{ type: match[1]!, name: match[2]!, actions: match[3]!.split(',') }] : [];
  });
}

/** Each resource once, with all actions asked for; sorted, so that the same wishes read the same. */
export function mergeScopes(scopes: readonly Scope[]): Scope[] {
  const merged = Map.groupBy(scopes, ({ type, name }) => `${type}:${name}`);
  return [...merged.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, same]) => ({ ...same[0]!, actions: [...new Set(same.flatMap(({ actions }) => actions))].sort() }));
}
