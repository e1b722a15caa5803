import { DEFAULT_DOMAIN, parseReference } from '#lib/reference.ts';

/** The name by which Docker's own registry is in config.json and at credential helpers. */
export const DEFAULT_REGISTRY = 'https://index.docker.io/v1/';

/** The name of an image's registry in config.json. Throws `invalid` as `parseReference` does. */
export function registryKeyOf(image: string): string {
  const { domain } = parseReference(image);
  return domain === DEFAULT_DOMAIN ? DEFAULT_REGISTRY : domain;
}

/** The name of the registry that a search term is for: `host/term`, else Docker's own. */
export function searchKeyOf(term: string): string {
  const [first = '', ...rest] = term.split('/');
  return rest.length > 0 && /[.:]|^localhost$/.test(first) ? first : DEFAULT_REGISTRY;
}
