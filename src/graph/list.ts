import type { ImageSummary } from '#api/types/image.ts';
import { invalid } from '#errors/errors.ts';
import type { Image } from '#image/image.ts';
import { booleanFilter, checkFilterNames, type Filters, matchesLabels, NO_FILTERS } from '#lib/filters.ts';
import { globToRegExp } from '#lib/glob.ts';
import { parsePointInTime } from '#lib/point-in-time.ts';
import { familiarName, familiarReference, type Reference } from '#lib/reference.ts';
import { isHead } from './ancestry.ts';
import { findImage } from './lookup.ts';
import type { GraphState, ImageRecord } from './state.ts';

export interface ListQuery {
  filters?: Filters;
  /** Also images without a name that others were made from. */
  all?: boolean;
  /** Compute `SharedSize`. */
  sharedSize?: boolean;
}

const FILTER_NAMES: ReadonlySet<string> = new Set([
  'before',
  'dangling',
  'label',
  'label!',
  'reference',
  'since',
  'until',
]);

/** The images that pass the filters, the newest first. Throws `invalid` for an unknown or malformed filter. */
export function listImages(state: GraphState, query: ListQuery): ImageSummary[] {
  const { filters = NO_FILTERS, all = false, sharedSize = false } = query;
  checkFilterNames(filters, FILTER_NAMES);
  const passes = imageFilter(state, filters);
  const names = referenceFilter(filters);
  const rows: { image: Image; summary: ImageSummary }[] = [];
  for (const record of state.images.values()) {
    const { image } = record;
    const references = state.references.of(image.id);
    const shown = names ? references.filter(names) : references;
    if ((names && shown.length === 0) || !passes(record, references)) continue;
    if (!all && references.length === 0 && !isHead(state, image.id)) continue;
    const summary = sharedSize ? withSharedSize(state, record, shown) : summaryOf(record, shown);
    rows.push({ image, summary });
  }
  rows.sort((a, b) => compare(b.image.createdAt, a.image.createdAt));
  return rows.map(({ summary }) => summary);
}

/** Rows by image. They are frozen, which lets the server serialise them once. */
const summaries = new WeakMap<ImageRecord, { references: readonly Reference[]; summary: ImageSummary }>();

/** The row made last time, unless the image has other references now (a changed list of them is another list). */
function summaryOf(record: ImageRecord, references: readonly Reference[]): ImageSummary {
  const known = summaries.get(record);
  if (known?.references === references) return known.summary;
  const summary = Object.freeze(summarise(record, references));
  summaries.set(record, { references, summary });
  return summary;
}

function withSharedSize(state: GraphState, record: ImageRecord, references: readonly Reference[]): ImageSummary {
  return { ...summaryOf(record, references), SharedSize: sharedSizeOf(state, record.image) };
}

function summarise({ image, parent }: ImageRecord, references: readonly Reference[]): ImageSummary {
  return {
    Id: image.id,
    ParentId: parent ?? '',
    RepoTags: references.filter(({ digest }) => digest === undefined).map(familiarReference),
    RepoDigests: references.filter(({ digest }) => digest !== undefined).map(familiarReference),
    Created: Number(image.createdAt / 1_000_000_000n),
    Size: image.size,
    SharedSize: -1,
    Labels: image.config?.Labels ?? null,
    Containers: -1,
  };
}

/** Bytes of the layers that another image has, too. */
function sharedSizeOf(state: GraphState, { diffIds, layerSizes }: Image): number {
  return diffIds.reduce((sum, diffId, at) => sum + (state.layers.imagesOf(diffId) > 1 ? layerSizes[at]! : 0), 0);
}

export type ImageTest = (record: ImageRecord, references: readonly Reference[]) => boolean;

function imageFilter(state: GraphState, filters: Filters): ImageTest {
  if (filters.size === 0) return () => true;
  const tests = [labelAndAgeFilter(state, filters)];
  if (filters.has('dangling')) {
    const wanted = booleanFilter(filters, 'dangling', false);
    const isTag = ({ digest }: Reference) => digest === undefined;
    tests.push(({ image }, names) => (wanted ? !names.some(isTag) && isHead(state, image.id) : names.length > 0));
  }
  const created = (name: string) => (filters.get(name) ?? []).map((value) => findImage(state, value).image.createdAt);
  for (const limit of created('before')) tests.push(({ image }) => isDated(image) && image.createdAt < limit);
  for (const limit of created('since')) tests.push(({ image }) => isDated(image) && image.createdAt > limit);
  return (record, references) => tests.every((test) => test(record, references));
}

/** An image that does not say when it was made is neither older nor newer than others. */
function isDated({ created }: Image): boolean {
  return created !== undefined;
}

/** The filters `until`, `label` and `label!`, which lists and prunes share. Throws `invalid` for a malformed time. */
export function labelAndAgeFilter(state: GraphState, filters: Filters): ImageTest {
  const limits = (filters.get('until') ?? []).map((value) => {
    const limit = parsePointInTime(value, state.now());
    if (limit !== undefined) return limit;
    throw invalid(`failed to parse value as time or duration: ${JSON.stringify(value)}`, { hint: "for example '24h'" });
  });
  const unwanted = (filters.get('label!') ?? []).map((label): Filters => new Map([['label', [label]]]));
  return ({ image }) => {
    const labels = image.config?.Labels;
    if (limits.some((limit) => !isDated(image) || image.createdAt >= limit)) return false;
    return matchesLabels(filters, 'label', labels) && !unwanted.some((one) => matchesLabels(one, 'label', labels));
  };
}

/** References that one of the patterns matches, with or without its tag; undefined when all do. */
function referenceFilter(filters: Filters): ((reference: Reference) => boolean) | undefined {
  const patterns = filters.get('reference')?.map(globToRegExp);
  if (!patterns) return undefined;
  return (reference) =>
    patterns.some((pattern) => pattern.test(familiarReference(reference)) || pattern.test(familiarName(reference)));
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
