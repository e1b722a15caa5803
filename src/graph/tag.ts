import { invalid } from '#errors/errors.ts';
import {
  familiarName,
  familiarReference,
  parseReference,
  type Reference,
  withDefaultTag,
  withTag,
} from '#lib/reference.ts';
import { fault } from '#lib/write-steps.ts';
import { findImage } from './lookup.ts';
import { publish, tagStatements } from './register.ts';
import type { GraphState } from './state.ts';

export interface TagTarget {
  /** A repository as people write it; it may carry a tag, which `tag` overrides. */
  repo: string;
  /** Empty or absent: the one in `repo`, else `latest`. */
  tag?: string;
}

/** Gives the image `name` one more reference, taking it from the image that has it now. */
export async function tagImage(state: GraphState, name: string, target: TagTarget): Promise<void> {
  const reference = targetReference(target);
  await state.changes.run(async () => {
    const record = findImage(state, name);
    const now = state.now();
    await state.db.write(tagStatements(reference, record.image.id, now));
    fault('image.tag.commit');
    state.references.set(reference, record.image.id);
    record.lastTaggedAt = now;
    publish(state, 'tag', record.image, familiarReference(reference));
  });
}

/** The reference that a target means. Throws `invalid` in Docker's words for what cannot be a tag. */
export function targetReference({ repo, tag }: TagTarget): Reference {
  if (repo === '') throw invalid('invalid reference format: the repository name is empty');
  const parsed = parseReference(repo);
  if (parsed.digest !== undefined) throw invalid('cannot import digest reference');
  const reference = tag ? withTag(parsed, tag) : withDefaultTag(parsed);
  if (familiarName(reference) === 'sha256') {
    throw invalid('refusing to create an ambiguous tag using digest algorithm as name');
  }
  return reference;
}
