import { isEngineError, notFound } from '#errors/errors.ts';
import { type Digest, hexOf, isDigest } from '#lib/digest.ts';
import { familiarReference, parseReference, type Reference, repositoryOf, withDefaultTag } from '#lib/reference.ts';
import type { GraphState, ImageRecord } from './state.ts';

/**
 * The image that `name` means: a reference (tag `latest` when it has none), else an id, with or without `sha256:`,
 * whole or as a prefix that no other image has; ids from before ids were digests count last. Throws `not-found`, or `invalid` for what can be neither, in Docker's
 * words.
 */
export function findImage(state: GraphState, name: string): ImageRecord {
  const record = lookUpImage(state, name);
  if (record) return record;
  const reference = namedReference(name);
  if (!reference && !/^[0-9a-f]{64}$/.test(name)) parseReference(name); // throws, with what is wrong with the name
  const shown = reference ? familiarReference(reference) : name;
  throw notFound(`No such image: ${shown}`, {
    ...(lookUpId(state, name) === 'ambiguous' && { hint: `several image ids start with ${name}: give more digits` }),
  });
}

/** The same; undefined when there is no such image, or more than one. */
export function lookUpImage(state: GraphState, name: string): ImageRecord | undefined {
  const reference = namedReference(name);
  const id = (reference && state.references.imageOf(reference)) ?? lookUpId(state, name);
  return id && id !== 'ambiguous' ? state.images.get(id) : undefined;
}

/** True when `name` is the beginning of the image's id. */
export function isIdPrefix(imageId: Digest, name: string): boolean {
  return imageId.startsWith(name) || hexOf(imageId).startsWith(name);
}

/** True when `name` is the beginning of an id that the image has or had, rather than a reference to it. */
export function isIdOf(state: GraphState, imageId: Digest, name: string): boolean {
  return isIdPrefix(imageId, name) || state.aliases.find(name) === imageId;
}

function lookUpId(state: GraphState, name: string): Digest | 'ambiguous' | undefined {
  const found = state.ids.find(name.startsWith('sha256:') ? name.slice('sha256:'.length) : name);
  if (found === 'ambiguous') return found;
  const id = found ? `sha256:${found.id}` : state.aliases.find(name);
  return isDigest(id) ? id : undefined;
}

/** All tags of the repository that `name` means when it has neither tag nor digest; none when there is no such. */
export function wholeRepository(state: GraphState, name: string): Reference[] {
  const reference = parsed(name);
  const isOne = reference?.tag !== undefined || reference?.digest !== undefined;
  return reference && !isOne ? state.references.tagsIn(repositoryOf(reference)) : [];
}

/** The one reference that `name` means, if it can be one: with a default tag; a digest in it decides over its tag. */
export function namedReference(name: string): Reference | undefined {
  const reference = parsed(name);
  if (reference?.digest === undefined) return reference && withDefaultTag(reference);
  const { domain, path, digest } = reference;
  return { domain, path, digest };
}

function parsed(name: string): Reference | undefined {
  try {
    return parseReference(name);
  } catch (error) {
    if (isEngineError(error, 'invalid')) return undefined;
    throw error;
  }
}
