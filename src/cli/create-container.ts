import { access, open, unlink } from 'node:fs/promises';
import type { Client } from '#api/client/client.ts';
import { type ContainerSpec, createContainer } from '#api/client/containers.ts';
import { formatEndpoint } from '#api/client/endpoint.ts';
import type { ContainerCreateResponse } from '#api/types/container.ts';
import { isEngineError } from '#errors/errors.ts';
import { familiarName, familiarReference, parseReference, withDefaultTag } from '#lib/reference.ts';
import { type Context, print } from './command.ts';
import { readConfig } from './config/config-file.ts';
import { withProxies } from './config/proxies.ts';
import { CommandError } from './errors.ts';
import { silent } from './format/progress.ts';
import { pull } from './pull.ts';
import type { CreateValues } from './spec/flags.ts';

const pullPolicies = new Set(['always', 'missing', 'never']);

/**
 * Makes the container, with its image pulled first as `--pull` says, prints the daemon's warnings, and writes the id file.
 * Gives the id.
 */
export async function makeContainer(context: Context, spec: ContainerSpec, values: CreateValues): Promise<string> {
  if (!pullPolicies.has(values.pull)) {
    throw new CommandError(`invalid pull option: '${values.pull}': must be one of "always", "missing" or "never"`, {
      exitCode: 125,
    });
  }
  if (values['use-api-socket']) {
    throw new CommandError('--use-api-socket is not in this release', {
      exitCode: 125,
      hint: 'Use -v /var/run/wherry.sock:/var/run/docker.sock',
    });
  }
  const idFile = values.cidfile === '' ? undefined : await reserveIdFile(values.cidfile);
  try {
    const { Id, Warnings } = await create(context, spec, values);
    for (const warning of Warnings ?? []) await print(context.stderr, `WARNING: ${warning}\n`);
    await idFile?.writeFile(Id);
    return Id;
  } catch (error) {
    if (idFile) await unlink(values.cidfile).catch(() => undefined);
    throw error;
  } finally {
    await idFile?.close();
  }
}

async function create(context: Context, spec: ContainerSpec, values: CreateValues): Promise<ContainerCreateResponse> {
  const client = await context.client();
  const query = { name: values.name || undefined, platform: values.platform || undefined };
  const env = withProxies(spec.Env ?? [], await readConfig(context.configFolder), formatEndpoint(client.endpoint));
  if (env.length > 0) spec.Env = env;
  if (values.pull === 'always') await pullFor(context, client, spec, values);
  try {
    return await createContainer(client, spec, query);
  } catch (error) {
    const missing = isEngineError(error, 'not-found') && /no such image/i.test(error.message);
    if (!missing || values.pull !== 'missing') throw error;
    if (!values.quiet) {
      await print(
        context.stderr,
        `Unable to find image '${familiarReference(withDefaultTag(parseReference(spec.Image)))}' locally\n`,
      );
    }
    await pullFor(context, client, spec, values);
    return createContainer(client, spec, query);
  }
}

/** Its progress goes to standard error: standard output belongs to the container. */
function pullFor(context: Context, client: Client, spec: ContainerSpec, values: CreateValues): Promise<void> {
  const reference = withDefaultTag(parseReference(spec.Image));
  const query = {
    fromImage: familiarName(reference),
    tag: reference.digest ?? reference.tag,
    platform: values.platform || undefined,
  };
  return pull(context, client, query, values.quiet ? silent(context.stderr) : context.stderr);
}

/** An id file that is there already belongs to another container. */
async function reserveIdFile(path: string) {
  const exists = await access(path).then(
    () => true,
    () => false,
  );
  if (exists) {
    throw new CommandError('container ID file found', {
      exitCode: 125,
      hint: `Make sure that no other container uses it, or delete ${path}`,
    });
  }
  return open(path, 'wx').catch((cause: Error) => {
    throw new CommandError(`failed to create the container ID file: ${cause.message}`, { exitCode: 125, cause });
  });
}
