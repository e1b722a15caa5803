import type { Endpoint, EndpointOptions } from '#api/client/endpoint.ts';
import type { Context } from './command.ts';
import { type ClientConfig, configFolder, readConfig } from './config/config-file.ts';
import { contextName, DEFAULT_CONTEXT } from './contexts/context-name.ts';

/** What the flags before the command say about the daemon. */
export interface DaemonChoice extends EndpointOptions {
  /** `--context` */
  context?: string;
  /** `--config` */
  config?: string;
}

/** The context of this process, for a daemon given by `choice`, the environment and docker's config.json. */
export function processContext(choice: DaemonChoice): Context {
  const { env } = process;
  const folder = configFolder(choice.config, env);
  const readOnce = once(() => readConfig(folder));
  const name = async () => contextName({ flag: choice.context, host: choice.host, env }, await readOnce());
  return {
    program: 'wherry',
    env,
    configFolder: folder,
    contextName: name,
    client: once(async () => openClient(choice, folder, await readOnce(), await name())),
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

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

async function openClient(choice: DaemonChoice, folder: string, config: ClientConfig, name: string) {
  const [{ createClient }, { resolveEndpoint }] = await Promise.all([
    import('#api/client/client.ts'),
    import('#api/client/endpoint.ts'),
  ]);
  const endpoint: Endpoint =
    name === DEFAULT_CONTEXT
      ? resolveEndpoint(choice, process.env)
      : await (await import('./contexts/context-endpoint.ts')).contextEndpoint(folder, name);
  const version = process.env.DOCKER_API_VERSION || undefined;
  const dial = endpoint.kind === 'ssh' ? (await import('./ssh.ts')).sshDial(endpoint) : undefined;
  return createClient(endpoint, { version, headers: config.HttpHeaders, dial });
}
