import { invalid } from '#errors/errors.ts';
import { checkFilterNames, type Filters, matchesLabels } from './filters.ts';
import { parsePointInTime } from './point-in-time.ts';
import { nowNs } from './time.ts';

/** A thing that a prune may remove; `created` in ns since 1970. */
export interface Prunable {
  labels: Readonly<Record<string, string>> | null;
  created: bigint;
}

/**
 * What the filters `until`, `label` and `label!` of a prune let it remove. `more` are names that its caller reads itself.
 * Throws `invalid` for other names and for a time that is none.
 */
export function prunableBy(filters: Filters, more: readonly string[] = []): (thing: Prunable) => boolean {
  checkFilterNames(filters, new Set(['until', 'label', 'label!', ...more]));
  const until = untilOf(filters);
  const unwanted = (filters.get('label!') ?? []).map((value) => new Map([['label', [value]]]));
  return ({ labels, created }) =>
    (until === undefined || created <= until) &&
    matchesLabels(filters, 'label', labels) &&
    !unwanted.some((filter) => matchesLabels(filter, 'label', labels));
}

function untilOf(filters: Filters): bigint | undefined {
  const texts = filters.get('until') ?? [];
  if (texts.length > 1) throw invalid('more than one until filter specified');
  const [text] = texts;
  if (text === undefined) return undefined;
  const until = parsePointInTime(text, nowNs());
  if (until === undefined) {
    throw invalid(`failed to parse value as time or duration: "${text}"`, {
      hint: 'Give a time, or a duration such as 24h.',
    });
  }
  return until;
}
