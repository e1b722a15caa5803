import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, errnoCode, system } from '#errors/errors.ts';

/** What a connection to one host is made with, in PEM. */
export interface Certificates {
  /** Trusted besides the system's. */
  authorities: string[];
  /** Client certificates with their keys. */
  clients: { cert: string; key: string }[];
}

/**
 * Reads docker's layout, `<folder>/<host[:port]>/`: `*.crt` are authorities, `x.cert` with `x.key` is a client
 * certificate. Of several folders the first that has the host counts. Throws `system` for a certificate without its key and for files that
 * cannot be read.
 */
export async function readCertificates(host: string, folders: readonly string[]): Promise<Certificates> {
  for (const folder of folders) {
    const path = join(folder, host);
    const names = await readdir(path).catch((error: unknown) => {
      if (errnoCode(error) === 'ENOENT' || errnoCode(error) === 'ENOTDIR') return undefined;
      throw unreadable(path, error);
    });
    if (names) return readFolder(path, names.sort());
  }
  return { authorities: [], clients: [] };
}

async function readFolder(path: string, names: readonly string[]): Promise<Certificates> {
  const read = (name: string) =>
    readFile(join(path, name), 'utf8').catch((error: unknown) => {
      throw unreadable(join(path, name), error);
    });
  const named = (extension: string) => names.filter((name) => name.endsWith(extension));
  for (const name of named('.cert')) requirePartner(path, names, name, name.replace(/\.cert$/, '.key'));
  for (const name of named('.key')) requirePartner(path, names, name, name.replace(/\.key$/, '.cert'));
  return {
    authorities: await Promise.all(named('.crt').map(read)),
    clients: await Promise.all(
      named('.cert').map(async (name) => ({
        cert: await read(name),
        key: await read(name.replace(/\.cert$/, '.key')),
      })),
    ),
  };
}

function requirePartner(path: string, names: readonly string[], name: string, partner: string): void {
  if (names.includes(partner)) return;
  throw system(`missing ${partner} for ${name} in ${path}`, {
    hint: 'A client certificate is NAME.cert with NAME.key; authorities end with .crt.',
  });
}

function unreadable(path: string, cause: unknown): Error {
  return system(`cannot read the certificates in ${path}: ${describe(cause)}`, { cause });
}
