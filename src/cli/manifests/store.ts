import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoCode } from '#errors/errors.ts';
import { CommandError } from '../errors.ts';
import { type StoredManifest, wholeReference } from './stored-manifest.ts';

const fileName = (reference: string) => wholeReference(reference).replaceAll(':', '-').replaceAll('/', '_');

function folderOf(configFolder: string, list: string): string {
  return join(configFolder, 'manifests', fileName(list));
}

/** The manifests of a list, in the order of their names; undefined when there is no such list. */
export async function readList(configFolder: string, list: string): Promise<StoredManifest[] | undefined> {
  const folder = folderOf(configFolder, list);
  try {
    const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).sort();
    return await Promise.all(
      names.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8')) as StoredManifest),
    );
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return undefined;
    throw new CommandError(`cannot read ${folder}: ${(error as Error).message}`, { cause: error });
  }
}

/** The manifest of an image in a list. */
export async function readMember(
  configFolder: string,
  list: string,
  image: string,
): Promise<StoredManifest | undefined> {
  const found = await readList(configFolder, list);
  return found?.find(({ Ref }) => Ref === wholeReference(image));
}

/** Adds a manifest to a list, or replaces it there. */
export async function writeMember(configFolder: string, list: string, manifest: StoredManifest): Promise<void> {
  const folder = folderOf(configFolder, list);
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const name = fileName(manifest.Ref);
  const draft = join(folder, `.${name}.${process.pid}`);
  await writeFile(draft, JSON.stringify(manifest), { mode: 0o644 });
  await rename(draft, join(folder, name));
}

export async function removeList(configFolder: string, list: string): Promise<void> {
  await rm(folderOf(configFolder, list), { recursive: true, force: true });
}
