import { invalid } from '#errors/errors.ts';
import type { Digest } from '#lib/digest.ts';
import { formatReference, parseReference } from '#lib/reference.ts';
import type { Member, Members } from './archive-members.ts';

/** An image as an archive describes it; nothing about its layers is verified yet but that they are there. */
export interface ArchiveImage {
  id: Digest;
  config: Buffer;
  layers: ArchiveLayer[];
  /** Full references with a tag. */
  references: string[];
  /** The manifest and the index it came through, byte for byte. */
  manifests: { digest: Digest; mediaType: string; bytes: Buffer }[];
  /** Another image of the archive that this one was made from. */
  parent?: Digest;
  /** Ids that the image had before ids were digests (hex digits). */
  aliases?: string[];
}

export interface ArchiveLayer {
  diffId: Digest;
  /** The member's name, for messages. */
  name: string;
  member: Exclude<Member, { kind: 'link' }>;
  /** What a manifest says that the member's own digest is. */
  expected?: Digest;
}

/** An archive that is not what it should be. */
export const refuse = (why: string, hint?: string) =>
  invalid(`invalid archive: ${why}`, { code: 'ARCHIVE_INVALID', hint });

/** The layer that `name` leads to; `where` says who names it. Throws `invalid` when it is not there. */
export function layerMember(members: Members, name: string, where: string): ArchiveLayer['member'] {
  const member = members.find(name);
  if (!member)
    throw refuse(`${where} is "${name}", which is not there`, 'the archive may have been cut short or repacked');
  return member;
}

/** The full form of a reference that must have a tag and nothing else. Throws `invalid`. */
export function taggedReference(text: string): string {
  const reference = parseReference(text);
  if (reference.tag === undefined || reference.digest !== undefined) throw refuse(`invalid tag "${text}"`);
  return formatReference(reference);
}
