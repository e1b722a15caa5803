import { readFile } from 'node:fs/promises';
import type { Config } from '#api/types/container-config.ts';
import type { ConsoleSize, Exec } from '#container/exec.ts';
import { invalid } from '#errors/errors.ts';
import { parseExact, stringifyExact } from '#lib/json.ts';
import { capabilitySets } from '#runtime/spec/capabilities.ts';
import { containerEnvironment, overrideEnvironment, variableName } from '#runtime/spec/environment.ts';
import type { OciProcess, OciSpec } from '#runtime/spec/oci.ts';
import { resolveUser } from '#runtime/spec/resolve-user.ts';
import type { Engine } from '../engine.ts';

/**
 * The process document of an exec for the OCI runtime: the container's first process, as it was started, with another
 * command. Throws `invalid` for a user that the container does not know and for a relative working directory.
 */
export async function describeProcess(engine: Engine, exec: Exec, size: ConsoleSize | undefined): Promise<string> {
  const { container, record } = exec;
  const { config, hostConfig } = container.record;
  const cwd = record.workingDir || '/';
  if (!cwd.startsWith('/'))
    throw invalid('OCI runtime exec failed: exec failed: Cwd must be an absolute path: unknown');
  const { bundleConfig } = engine.paths.container(container.id);
  const { process: first, root } = parseExact(await readFile(bundleConfig, 'utf8')) as OciSpec;
  const { terminal: _terminal, consoleSize: _size, ...inherited } = first;
  const process: OciProcess = {
    ...inherited,
    ...(record.tty && { terminal: true }),
    ...(record.tty && size && { consoleSize: size }),
    args: record.command,
    env: overrideEnvironment(environmentFor({ ...config, Tty: record.tty }, first.env ?? []), record.env),
    cwd,
    ...(record.privileged && { capabilities: capabilitySets(engine.host.capabilities) }),
  };
  if (record.user) {
    const { uid, gid, additionalGids } = await resolveUser(root.path, record.user, hostConfig.GroupAdd);
    process.user = { uid, gid, additionalGids };
  }
  return stringifyExact(process);
}

/** The container's environment, and what its first process was given besides: the variables of its links. */
function environmentFor(config: Config, first: readonly string[]): string[] {
  const own = containerEnvironment(config);
  const known = new Set(['TERM', ...own.map(variableName)]);
  return [...own, ...first.filter((entry) => !known.has(variableName(entry)))];
}
