import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoCode } from '#errors/errors.ts';
import { CommandError } from '../errors.ts';
import { DEFAULT_CONTEXT } from './context-name.ts';

/** A context as its meta.json has it. */
export interface StoredContext {
  Name: string;
  Metadata: { Description?: string } & Record<string, unknown>;
  Endpoints: Record<string, ContextEndpoint>;
}

export interface ContextEndpoint {
  Host?: string;
  SkipTLSVerify: boolean;
}

/** PEM files of the endpoint `docker`, by name. */
export type TlsMaterial = Record<string, Buffer>;

export interface ContextPaths {
  metadata: string;
  tls: string;
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$/;

/** Where a context lies; the folder's name is the digest of its name. */
export function contextPaths(configFolder: string, name: string): ContextPaths {
  const id = createHash('sha256').update(name).digest('hex');
  return {
    metadata: join(configFolder, 'contexts', 'meta', id),
    tls: join(configFolder, 'contexts', 'tls', id),
  };
}

/** Throws CommandError, in docker's words, for what cannot be the name of a new context. */
export function checkContextName(name: string): void {
  if (name === '') throw new CommandError('context name cannot be empty');
  if (name === DEFAULT_CONTEXT) throw new CommandError('"default" is a reserved context name');
  if (!NAME.test(name)) {
    throw new CommandError(`context name "${name}" is invalid, names are validated against regexp "${NAME.source}"`);
  }
}

/** Throws CommandError `context "x": context not found: ...` when there is none. */
export async function readContext(configFolder: string, name: string): Promise<StoredContext> {
  const path = join(contextPaths(configFolder, name).metadata, 'meta.json');
  try {
    return completed(JSON.parse(await readFile(path, 'utf8')) as Partial<StoredContext>);
  } catch (error) {
    if (errnoCode(error) !== 'ENOENT') throw new CommandError(`cannot read ${path}: ${(error as Error).message}`);
    throw new CommandError(`context "${name}": context not found: open ${path}: no such file or directory`, {
      cause: error,
    });
  }
}

export async function hasContext(configFolder: string, name: string): Promise<boolean> {
  return readContext(configFolder, name).then(
    () => true,
    () => false,
  );
}

/** All contexts of the store, in no order. */
export async function listContexts(configFolder: string): Promise<StoredContext[]> {
  const folder = join(configFolder, 'contexts', 'meta');
  const ids = await readdir(folder).catch(() => []);
  const read = ids.map(async (id) => {
    const text = await readFile(join(folder, id, 'meta.json'), 'utf8').catch(() => undefined);
    return text === undefined ? [] : [completed(JSON.parse(text) as Partial<StoredContext>)];
  });
  return (await Promise.all(read)).flat();
}

/** The PEM files of the endpoint `docker`; none when there are none. */
export async function readTlsMaterial(configFolder: string, name: string): Promise<TlsMaterial> {
  const folder = join(contextPaths(configFolder, name).tls, 'docker');
  const names = await readdir(folder).catch(() => []);
  return Object.fromEntries(
    await Promise.all(names.sort().map(async (file) => [file, await readFile(join(folder, file))])),
  );
}

/** Writes a context; `tls` undefined leaves the key files as they are. */
export async function writeContext(configFolder: string, context: StoredContext, tls?: TlsMaterial): Promise<void> {
  const paths = contextPaths(configFolder, context.Name);
  if (tls) {
    await rm(paths.tls, { recursive: true, force: true });
    const names = Object.keys(tls);
    if (names.length > 0) await mkdir(join(paths.tls, 'docker'), { recursive: true, mode: 0o700 });
    for (const name of names) await writeFile(join(paths.tls, 'docker', name), tls[name]!, { mode: 0o600 });
  }
  await mkdir(paths.metadata, { recursive: true, mode: 0o755 });
  const draft = join(paths.metadata, `.meta-${randomBytes(6).toString('hex')}`);
  await writeFile(draft, JSON.stringify(context), { mode: 0o644 });
  await rename(draft, join(paths.metadata, 'meta.json'));
}

export async function removeContext(configFolder: string, name: string): Promise<void> {
  const paths = contextPaths(configFolder, name);
  await rm(paths.metadata, { recursive: true, force: true });
  await rm(paths.tls, { recursive: true, force: true });
}

const completed = ({ Name = '', Metadata, Endpoints }: Partial<StoredContext>): StoredContext => ({
  Name,
  Metadata: Metadata ?? {},
  Endpoints: Endpoints ?? {},
});
