import { CommandError } from '../errors.ts';
import { mustBeFolder, splitEntry } from './paths.ts';

/** What is copied. */
export interface CopiedSource {
  path: string;
  isFolder: boolean;
  /** What the first name of its tar has to become; empty = it stays. */
  newName: string;
}

/** What is already there. */
export interface FoundTarget {
  path: string;
  /** Absent = nothing. */
  is?: 'folder' | 'file';
}

/** Where the tar of a source goes. */
export interface Destination {
  folder: string;
  /** The first part of every name, and what it becomes. */
  rename?: { from: string; to: string };
}

/**
 * Where the tar of `source` has to be unpacked for a copy to `target`: into a folder that is there, else beside it
 * under its name. Throws CommandError in docker's words for what cannot be.
 */
export function chooseDestination(source: CopiedSource, target: FoundTarget): Destination {
  if (target.is === 'folder') return { folder: target.path };
  if (target.is === 'file' && source.isFolder) throw new CommandError('cannot copy directory');
  if (target.is === undefined && !source.isFolder && mustBeFolder(target.path)) {
    throw new CommandError('no such directory');
  }
  const { folder, name } = splitEntry(target.path);
  return { folder, rename: { from: source.newName || splitEntry(source.path).name, to: name } };
}

/** The name of an entry with its first part changed. */
export function renamed(name: string, { from, to }: { from: string; to: string }): string {
  if (from === '/' || from === '.')
    return name === from || name === './' ? `${to}/` : `${to}/${name.replace(/^\.?\//, '')}`;
  const clean = name.replace(/^\.\//, '');
  return clean === from || clean.startsWith(`${from}/`) ? to + clean.slice(from.length) : name;
}
