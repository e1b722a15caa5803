import { resolve } from 'node:path';
import type { StringSet } from '#api/types/scalar.ts';
import { CommandError } from '../errors.ts';

/**
 * What `--volume` asks for: `source:target[:options]` are binds (a relative source becomes absolute), a lone target is an
 * anonymous volume. What the parts mean is the daemon's to judge.
 *
 * @throws CommandError for another number of parts or an empty one.
 */
export function parseVolumes(volumes: string[]): { binds: string[] | null; anonymous: StringSet } {
  const binds: string[] = [];
  const anonymous: StringSet = {};
  for (const text of new Set(volumes)) {
    if (partsOf(text).length > 1) binds.push(absolute(text));
    else anonymous[text] = {};
  }
  return { binds: binds.length > 0 ? binds : null, anonymous };
}

/** A colon after a single letter at the start belongs to a Windows path, to docker's eyes. */
function partsOf(text: string): string[] {
  const refuse = (why: string) => new CommandError(`invalid spec: ${text}: ${why}`, { exitCode: 125 });
  const parts = text.replace(/^([A-Za-z]):/, '$1\0').split(':');
  if (text === '') throw refuse('empty volume spec');
  if (parts.some((part) => part === '')) throw refuse('empty section between colons');
  if (parts.length > 3) throw refuse('too many colons');
  return parts;
}

function absolute(text: string): string {
  const at = text.indexOf(':');
  const source = text.slice(0, at);
  return source.startsWith('.') ? `${resolve(source)}${text.slice(at)}` : text;
}

/** `--tmpfs target[:options]` as target -> options. */
export function parseTmpfs(texts: string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf(':');
      return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}
