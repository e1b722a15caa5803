import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoCode } from '#errors/errors.ts';
import { CommandError } from '../errors.ts';

/** What the file says of a registry. */
export interface StoredAuth {
  /** `user:password` in base64. */
  auth?: string;
  identitytoken?: string;
  registrytoken?: string;
}

export interface ProxyConfig {
  httpProxy?: string;
  httpsProxy?: string;
  noProxy?: string;
  ftpProxy?: string;
  allProxy?: string;
}

/** The parts of docker's config.json that are used here. */
export interface ClientConfig {
  auths?: Record<string, StoredAuth>;
  /** The helper for all registries, and those for some: `x` is the program `docker-credential-x`. */
  credsStore?: string;
  credHelpers?: Record<string, string>;
  /** Sent to the daemon with every request. */
  HttpHeaders?: Record<string, string>;
  /** By daemon (`tcp://host`), or `default`. */
  proxies?: Record<string, ProxyConfig>;
  currentContext?: string;
}

/** The folder of the client's files: `--config`, else `DOCKER_CONFIG`, else `~/.docker`. */
export function configFolder(flag: string | undefined, env: Record<string, string | undefined>): string {
  return flag || env.DOCKER_CONFIG || join(env.HOME ?? '/root', '.docker');
}

export const configPath = (folder: string) => join(folder, 'config.json');

/** The file's content; `{}` when there is none. Throws CommandError for what cannot be read. */
export async function readConfig(folder: string): Promise<ClientConfig> {
  const path = configPath(folder);
  try {
    const parsed: unknown = JSON.parse((await readFile(path, 'utf8')).trim() || '{}');
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as ClientConfig;
    throw new Error('it is no JSON object');
  } catch (error) {
    if (errnoCode(error) === 'ENOENT' || errnoCode(error) === 'ENOTDIR') return {};
    throw new CommandError(`cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** Changes the file; what `change` leaves alone stays as it is, fields of others included. */
export async function changeConfig(folder: string, change: (config: ClientConfig) => ClientConfig): Promise<void> {
  const config = change(await readConfig(folder));
  const auths = Object.fromEntries(Object.entries(config.auths ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)));
  const text = JSON.stringify(Object.assign({ auths: {} }, config, { auths }), undefined, '\t');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // Through a link, so that a file that is kept elsewhere stays one.
  const path = await realpath(configPath(folder)).catch(() => configPath(folder));
  const mode = await stat(path).then(
    (found) => found.mode & 0o777,
    () => 0o600,
  );
  const draft = join(dirname(path), `config.json${randomBytes(6).toString('hex')}`);
  try {
    const file = await open(draft, 'wx', mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw new CommandError(`cannot write ${path}: ${(error as Error).message}`, { cause: error });
  }
}
