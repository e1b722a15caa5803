import { CommandError } from './errors.ts';

/** An image's name as the user wrote it, taken apart. */
export interface ImageName {
  /** With the registry, when one was given. */
  repository: string;
  tag?: string;
  digest?: string;
}

const component = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const domain =
  '(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\\[[0-9a-fA-F:]+\\])(?::[0-9]+)?';
const pattern = new RegExp(
  `^((?:${domain}/)?${component}(?:/${component})*)(?::([\\w][\\w.-]{0,127}))?(?:@([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?$`,
);

/**
 * Reads `[registry/]name[:tag][@digest]` (distribution's reference grammar).
 *
 * @throws CommandError for anything else.
 */
export function parseImageName(text: string): ImageName {
  const match = pattern.exec(text);
  if (!match || match[1]!.length > 255) throw new CommandError(`invalid reference format${upperCaseNote(text)}`);
  return { repository: match[1]!, tag: match[2], digest: match[3] };
}

/** How docker shows the name: without its default registry, with the tag that is meant. */
export function familiarName({ repository, tag, digest }: ImageName): string {
  const short = repository.replace(/^(?:index\.)?docker\.io\//, '').replace(/^library\/(?=[^/]+$)/, '');
  if (digest) return `${short}${tag ? `:${tag}` : ''}@${digest}`;
  return `${short}:${tag ?? 'latest'}`;
}

function upperCaseNote(text: string): string {
  const repository = text.replace(/[:@].*$/, '');
  return repository !== repository.toLowerCase() ? `: repository name (${repository}) must be lowercase` : '';
}
