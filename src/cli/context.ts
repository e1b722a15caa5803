import type { EndpointOptions } from '#api/client/endpoint.ts';
import type { Context } from './command.ts';

/** The context of this process, for a daemon given by `options` and the environment. */
export function processContext(options: EndpointOptions): Context {
  let client: ReturnType<Context['client']> | undefined;
  return {
    program: 'wherry',
    env: process.env,
    client: () => {
      client ??= openClient(options);
      return client;
    },
    get stdin() {
      return process.stdin;
    },
    get stdout() {
      return process.stdout;
    },
    get stderr() {
      return process.stderr;
    },
  };
}

async function openClient(options: EndpointOptions) {
  const [{ createClient }, { resolveEndpoint }] = await Promise.all([
    import('#api/client/client.ts'),
    import('#api/client/endpoint.ts'),
  ]);
  const version = process.env.DOCKER_API_VERSION || undefined;
  return createClient(resolveEndpoint(options, process.env), { version });
}
