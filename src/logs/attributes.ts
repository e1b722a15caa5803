import { invalid } from '#errors/errors.ts';

/** What log options can speak of. */
export interface LoggedContainer {
  id: string;
  /** Without a slash. */
  name: string;
  /** As it was asked for, and its id `sha256:...`. */
  image: string;
  imageId: string;
  labels: Readonly<Record<string, string>>;
  /** `NAME=value` */
  env: readonly string[];
  command: readonly string[];
}

type Options = Readonly<Record<string, string>>;

/**
 * What stands beside every line of a container's log (`attrs` of json-file), as the options `labels`, `labels-regex`,
 * `env`, `env-regex` and `tag` choose it; sorted by name, undefined when there is nothing. Throws `invalid` as
 * `checkAttributes` does.
 */
export function logAttributes(container: LoggedContainer, options: Options): Record<string, string> | undefined {
  const variables = container.env.map(
    (entry) => [entry.split('=', 1)[0]!, entry.slice(entry.indexOf('=') + 1)] as const,
  );
  const chosen = [
    ...Object.entries(container.labels).filter(([name]) => wants(options, 'labels', name)),
    ...variables.filter(([name]) => wants(options, 'env', name)),
    ...(options.tag ? [['tag', expandTag(options.tag, container)] as const] : []),
  ];
  if (chosen.length === 0) return undefined;
  const unique = new Map<string, string>(chosen);
  const attributes = Object.fromEntries([...unique].sort(([a], [b]) => (a < b ? -1 : 1)));
  if (Buffer.byteLength(JSON.stringify(attributes)) > LIMIT) {
    throw invalid(`the labels and variables that the log options choose are longer than ${LIMIT} bytes`);
  }
  return attributes;
}

/** They stand in a command line, where one word has at most 128 KiB. Bytes. */
const LIMIT = 100 << 10;

/** Throws `invalid` for a pattern that is none, and for a tag that speaks of what it cannot. */
export function checkAttributes(options: Options): void {
  for (const name of ['labels-regex', 'env-regex']) pattern(options[name]);
  if (options.tag) expandTag(options.tag, NOBODY);
}

const NOBODY: LoggedContainer = { id: '', name: '', image: '', imageId: '', labels: {}, env: [], command: [] };

function wants(options: Options, kind: 'labels' | 'env', name: string): boolean {
  const listed = options[kind]?.split(',').includes(name) ?? false;
  return listed || (pattern(options[`${kind}-regex`])?.test(name) ?? false);
}

function pattern(text: string | undefined): RegExp | undefined {
  if (!text) return undefined;
  try {
    return new RegExp(text);
  } catch (cause) {
    throw invalid(`error parsing regexp in log options: ${text}: ${(cause as Error).message}`, { cause });
  }
}

const shortId = (id: string) => id.replace(/^sha256:/, '').slice(0, 12);

/** The fields of Docker's log tags. */
const TAG_FIELDS: Readonly<Record<string, (container: LoggedContainer) => string>> = {
  ID: ({ id }) => shortId(id),
  FullID: ({ id }) => id,
  Name: ({ name }) => name,
  ImageID: ({ imageId }) => shortId(imageId),
  ImageFullID: ({ imageId }) => imageId,
  ImageName: ({ image }) => image,
  DaemonName: () => 'docker',
  Command: ({ command }) => command.join(' '),
};

function expandTag(tag: string, container: LoggedContainer): string {
  const text = tag.replace(/\{\{-?\s*\.(\w+)\s*-?\}\}/g, (_, field: string) => {
    const value = Object.hasOwn(TAG_FIELDS, field) ? TAG_FIELDS[field] : undefined;
    if (!value) throw wrongTag(tag, `there is no field ${field}`);
    return value(container);
  });
  if (container === NOBODY && text.includes('{{')) throw wrongTag(tag, 'only fields can be expanded');
  return text;
}

function wrongTag(tag: string, why: string) {
  return invalid(`invalid log tag ${JSON.stringify(tag)}: ${why}`, {
    hint: `Fields: ${Object.keys(TAG_FIELDS)
      .map((name) => `{{.${name}}}`)
      .join(', ')}.`,
  });
}

/** Attributes as `logs --details` puts them before a line: `a=1,b=2`, percent-encoded as in a query. */
export function attributesText(attributes: Readonly<Record<string, string>> | undefined): string {
  const entries = Object.entries(attributes ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([name, value]) => `${encode(name)}=${encode(value)}`).join(',');
}

function encode(text: string): string {
  const strict = (char: string) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, strict)
    .replaceAll('%20', '+');
}
