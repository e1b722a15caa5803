import { readFile } from 'node:fs/promises';

/** What `version` says of this program; the names are docker's. */
export async function clientVersion(apiVersion: string, context: string) {
  const manifest = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
  return {
    Version: String(manifest.version),
    ApiVersion: apiVersion,
    DefaultAPIVersion: apiVersion,
    GitCommit: '',
    GoVersion: '',
    NodeVersion: process.versions.node,
    Os: process.platform,
    Arch: process.arch === 'x64' ? 'amd64' : process.arch,
    BuildTime: '',
    Context: context,
  };
}
