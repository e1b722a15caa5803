import { join } from 'node:path';
import { DEFAULT_HOST, type Endpoint, parseEndpoint, type TlsFiles } from '#api/client/endpoint.ts';
import { CommandError } from '../errors.ts';
import { contextPaths, readContext, readTlsMaterial } from './store.ts';

/** The daemon that a context of the store names. Throws CommandError when there is none. */
export async function contextEndpoint(configFolder: string, name: string): Promise<Endpoint> {
  const context = await readContext(configFolder, name).catch((error: CommandError) => {
    throw new CommandError(`Failed to initialize: unable to resolve docker endpoint: ${error.message}`, {
      cause: error,
    });
  });
  const { Host = '', SkipTLSVerify = false } = context.Endpoints.docker ?? {};
  const files = new Set(Object.keys(await readTlsMaterial(configFolder, name)));
  const path = (file: string) =>
    files.has(file) ? join(contextPaths(configFolder, name).tls, 'docker', file) : undefined;
  const tls: TlsFiles | undefined =
    files.size > 0 || SkipTLSVerify
      ? { ca: path('ca.pem'), cert: path('cert.pem'), key: path('key.pem'), verify: !SkipTLSVerify }
      : undefined;
  return parseEndpoint(Host || DEFAULT_HOST, tls);
}
