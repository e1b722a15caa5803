/** Links of the default bridge as they are kept, `/db:/web/alias`: whom, and by which name of whose. */

/** The same links when the container `old` is called `name`; undefined when it has no part in them. */
export function renamedLinks(links: readonly string[] | null, old: string, name: string): string[] | undefined {
  const renamed = (links ?? []).map((link) =>
    link.replace(/^\/([^:]+):\/([^/]+)\//, (_, target: string, own: string) => {
      const called = (one: string) => (one === old ? name : one);
      return `/${called(target)}:/${called(own)}/`;
    }),
  );
  return renamed.some((link, index) => link !== links![index]) ? renamed : undefined;
}

/** By the name of a container: the names that links have given it, `/web/alias`. */
export function namesByLinks(all: Iterable<readonly string[] | null>): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const links of all) {
    for (const link of links ?? []) {
      const [, target, alias] = /^\/([^:]+):(\/.+)$/.exec(link) ?? [];
      if (target && alias) names.set(target, [...(names.get(target) ?? []), alias]);
    }
  }
  return names;
}
