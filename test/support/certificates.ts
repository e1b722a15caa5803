/** Certificates of a test's own authority, made by openssl. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Paths of PEM files. */
export interface Certificate {
  cert: string;
  key: string;
}

export interface Authority extends Certificate {
  /** A certificate for `127.0.0.1`, `localhost` and `names`, good for servers and clients. */
  issue(name: string, names?: string[]): Promise<Certificate>;
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc'];

/** A new authority whose files lie in `folder` as `<name>.pem` and `<name>-key.pem`. */
export async function makeAuthority(folder: string, name = 'ca'): Promise<Authority> {
  const files = filesOf(folder, name);
  await run('openssl', [
    ...['req', '-x509', ...newKey, '-days', '2', '-subj', `/CN=wherry test ${name}`],
    ...['-addext', 'basicConstraints=critical,CA:TRUE', '-keyout', files.key, '-out', files.cert],
  ]);
  return { ...files, issue: (leaf, names = []) => issue(folder, files, leaf, names) };
}

async function issue(folder: string, authority: Certificate, name: string, names: string[]): Promise<Certificate> {
  const files = filesOf(folder, name);
  const subjects = ['IP:127.0.0.1', 'DNS:localhost', ...names.map((host) => `DNS:${host}`)].join();
  await run('openssl', [
    ...['req', '-x509', ...newKey, '-days', '2', '-subj', `/CN=${name}`],
    ...['-CA', authority.cert, '-CAkey', authority.key, '-keyout', files.key, '-out', files.cert],
    ...['-addext', `subjectAltName=${subjects}`, '-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-addext', 'extendedKeyUsage=serverAuth,clientAuth'],
  ]);
  return files;
}

const filesOf = (folder: string, name: string): Certificate => ({
  cert: join(folder, `${name}.pem`),
  key: join(folder, `${name}-key.pem`),
});

/** The certificate's DER in base64, as `x5c` in a token's head holds it. */
export async function derOf(path: string): Promise<string> {
  const pem = await readFile(path, 'utf8');
  return pem.replace(/-----[A-Z ]+-----/g, '').replace(/\s/g, '');
}

/** Puts what a client needs for `host` into a folder of docker's `certs.d` layout. */
export async function trust(folder: string, ca: Certificate, client?: Certificate): Promise<void> {
  await writeFile(join(folder, 'ca.crt'), await readFile(ca.cert));
  if (!client) return;
  await writeFile(join(folder, 'client.cert'), await readFile(client.cert));
  await writeFile(join(folder, 'client.key'), await readFile(client.key));
}
