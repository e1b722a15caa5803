import { posix } from 'node:path';
import { invalid } from '#errors/errors.ts';
import type { Digest } from '#lib/digest.ts';
import type { LayerBlob } from '../layer-blob.ts';

/** What one member of an image archive turned out to be. */
export type Member =
  /** Small: its bytes are at hand. */
  | { kind: 'bytes'; bytes: Buffer; digest: Digest }
  /** Large: it was written to the ingest folder, decompressed. */
  | { kind: 'blob'; blob: LayerBlob }
  /** A layer that the engine already has: its bytes were skipped. `digest` is the archive's name for it. */
  | { kind: 'known'; digest: Digest; diffId: Digest }
  /** A symlink or hard link; `target` is a path in the archive. */
  | { kind: 'link'; target: string };

/** How many links may lead from one to the next. */
const MAX_LINKS = 10;

/** The members of an archive by name; of two with one name the later counts, as in tar. */
export class Members {
  readonly #members = new Map<string, Member>();

  set(name: string, member: Member): void {
    this.#members.set(name, member);
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  names(): string[] {
    return [...this.#members.keys()];
  }

  has(name: string): boolean {
    return this.find(name) !== undefined;
  }

  /** The member that `name` leads to through links. Throws `invalid` when they lead in a circle. */
  find(name: string): Exclude<Member, { kind: 'link' }> | undefined {
    let at = memberName(name);
    for (let hops = 0; hops <= MAX_LINKS; hops++) {
      const member = this.#members.get(at);
      if (member?.kind !== 'link') return member;
      at = member.target;
    }
    throw invalid(`invalid archive: the links at "${name}" lead in a circle`, { code: 'ARCHIVE_INVALID' });
  }

  /** The bytes of a small member, or undefined when there is none. Throws `invalid` when it is too large to be JSON. */
  bytes(name: string): Buffer | undefined {
    const member = this.find(name);
    if (!member) return undefined;
    if (member.kind === 'bytes') return member.bytes;
    throw invalid(`invalid archive: "${name}" should be JSON and is not`, { code: 'ARCHIVE_INVALID' });
  }
}

/** One spelling for each path: `./a//b/` and `/a/b` are `a/b`. */
export function memberName(name: string): string {
  return posix.normalize(`/${name}`).replace(/\/+$/, '').slice(1);
}

/** Where a link leads: a symlink from its own folder, a hard link from the archive's root. */
export function linkTarget(name: string, link: string, type: 'symlink' | 'link'): string {
  const fromRoot = type === 'link' || link.startsWith('/');
  return memberName(fromRoot ? link : posix.join(posix.dirname(`/${name}`), link));
}
