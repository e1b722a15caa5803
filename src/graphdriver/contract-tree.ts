import { createHash } from 'node:crypto';
import { readTar } from '#archive/tar-stream.ts';
import { encodeTarHeader, TAR_END, type TarInput, tarPadding } from '#archive/tar-writer.ts';
import { ProgramError, start } from '#programs/run.ts';

/** What can be seen of one path, as text, so that two trees compare with deepEqual. */
export type PathFacts = Record<string, string>;

/** A tar entry with its body, for making layers. */
export type ContractEntry = TarInput & { body?: Buffer | string };

export function makeLayer(entries: readonly ContractEntry[]): Buffer {
  const blocks = entries.flatMap((entry) => {
    const body = Buffer.from(entry.body ?? '');
    return [encodeTarHeader({ ...entry, size: body.length }), body, tarPadding(body.length)];
  });
  return Buffer.concat([...blocks, TAR_END]);
}

/**
 * Everything under `root` as GNU tar sees it through the kernel: type, mode, owner, time in ns, extended attributes,
 * device numbers, link targets, content, and which names are one file. Overlayfs's own attributes are left out, and so
 * are names that it lists without having a file for them: whiteouts in a directory that only one layer has.
 */
export async function treeFacts(root: string): Promise<Record<string, PathFacts>> {
  const options = [
    '--format=posix',
    '--xattrs',
    '--xattrs-include=*',
    '--numeric-owner',
    '--sort=name',
    '--no-auto-compress',
  ];
  const tar = start('tar', [...options, '-C', root, '-c', '.'], { stdout: 'pipe' });
  const facts: Record<string, PathFacts> = {};
  const groups = new Map<string, string[]>();
  for await (const { entry, body } of readTar(tar.stdout as AsyncIterable<Buffer>)) {
    const name = cleanName(entry.name);
    if (entry.type === 'link') {
      const first = cleanName(entry.linkName);
      groups.set(first, [...(groups.get(first) ?? [first]), name]);
      facts[name] = facts[first]!;
      continue;
    }
    const hash = createHash('sha256');
    for await (const chunk of body) hash.update(chunk);
    facts[name] = {
      type: entry.type,
      mode: entry.mode.toString(8),
      owner: `${entry.uid}:${entry.gid}`,
      time: `${entry.mtime}.${String(entry.mtimeNs).padStart(9, '0')}`,
      xattrs: JSON.stringify(
        [...(entry.xattrs ?? [])]
          .filter(([key]) => !isOverlays(key))
          .map(([key, value]) => [key, value.toString('hex')])
          .sort(),
      ),
      device: `${entry.deviceMajor}:${entry.deviceMinor}`,
      target: entry.linkName,
      size: String(entry.size),
      content: hash.digest('hex'),
    };
  }
  await tar.done.catch((error) => {
    const complaints = error instanceof ProgramError ? error.stderr.split('\n').filter(Boolean) : [];
    if (complaints.length === 0 || !complaints.every((line) => line.endsWith(LISTED_ONLY))) throw error;
  });
  for (const names of groups.values()) {
    for (const name of names) facts[name] = { ...facts[name]!, links: names.toSorted().join(' ') };
  }
  return facts;
}

/** What GNU tar says of a name that readdir(3) gives and lstat(2) does not find. */
const LISTED_ONLY = ': File removed before we read it';

function isOverlays(xattr: string): boolean {
  return xattr.startsWith('trusted.overlay.') || xattr.startsWith('user.overlay.');
}

function cleanName(name: string): string {
  return `/${name.replace(/^\.\/?/, '').replace(/\/$/, '')}`;
}
