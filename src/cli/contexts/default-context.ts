import { formatEndpoint, resolveEndpoint } from '#api/client/endpoint.ts';
import type { Context } from '../command.ts';
import { DEFAULT_CONTEXT } from './context-name.ts';
import { readContext, readTlsMaterial, type StoredContext, type TlsMaterial } from './store.ts';

/** The context that is no entry of the store: what `DOCKER_HOST` and its like say. */
export function defaultContext({ env }: Pick<Context, 'env'>): StoredContext {
  const endpoint = resolveEndpoint({}, env);
  const skip = endpoint.kind === 'tcp' && endpoint.tls !== undefined && !endpoint.tls.verify;
  return {
    Name: DEFAULT_CONTEXT,
    Metadata: {},
    Endpoints: { docker: { Host: formatEndpoint(endpoint), SkipTLSVerify: skip } },
  };
}

export const DEFAULT_DESCRIPTION = 'Current DOCKER_HOST based configuration';

/** A context by name, the default one with its description, and its PEM files. Throws CommandError when there is none. */
export async function wholeContext(
  context: Context,
  name: string,
): Promise<{ stored: StoredContext; tls: TlsMaterial }> {
  if (name === DEFAULT_CONTEXT) {
    return { stored: { ...defaultContext(context), Metadata: { Description: DEFAULT_DESCRIPTION } }, tls: {} };
  }
  const { configFolder } = context;
  return { stored: await readContext(configFolder, name), tls: await readTlsMaterial(configFolder, name) };
}
