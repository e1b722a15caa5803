import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, invalid, unavailable } from '#errors/errors.ts';
import type { Logger } from '#lib/log.ts';
import type { Launcher } from '#linux/launcher-types.ts';

/** The OCI runtimes of this engine by name. */
export interface Runtimes {
  readonly default: string;
  readonly programs: ReadonlyMap<string, RuntimeProgram>;
}

export interface RuntimeProgram {
  path: string;
  /** Before the command, at each call. */
  args: readonly string[];
}

/** Tried in this order for the default. */
const KNOWN = ['crun', 'runc'];
const SEARCH_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

export interface RuntimeSettings {
  /** `--default-runtime`; absent = the first of crun and runc that works. */
  defaultRuntime?: string;
  /** By name: `--add-runtime name=path`, and `runtimes` in daemon.json. */
  added: Readonly<Record<string, RuntimeProgram>>;
}

/**
 * Finds the runtimes. The default is not chosen by name or version but by running it once in `folder` and looking
 * whether it gets as far as starting a process.
 */
export async function findRuntimes(
  settings: RuntimeSettings,
  folder: string,
  launcher: Pick<Launcher, 'run'>,
  log: Logger,
): Promise<Runtimes> {
  const programs = new Map(Object.entries(settings.added));
  for (const name of KNOWN) {
    const path = await findProgram(name);
    if (path && !programs.has(name)) programs.set(name, { path, args: [] });
  }
  const { defaultRuntime } = settings;
  if (defaultRuntime) {
    if (!programs.has(defaultRuntime)) {
      throw invalid(`the default runtime "${defaultRuntime}" is not known`, {
        hint: `Name one of ${[...programs.keys()].join(', ')}, or add it with --add-runtime ${defaultRuntime}=PATH.`,
      });
    }
    return { default: defaultRuntime, programs };
  }
  const failures: string[] = [];
  for (const name of KNOWN.filter((known) => programs.has(known))) {
    const failure = await tryRuntime(programs.get(name)!, folder, launcher);
    if (failure === undefined) {
      if (failures.length > 0) log.warn(`using ${name} because ${failures.join('; ')}`);
      return { default: name, programs };
    }
    failures.push(`${name} does not work here: ${failure}`);
  }
  throw unavailable(
    `no OCI runtime works on this machine: ${failures.join('; ') || 'neither crun nor runc was found'}`,
    {
      hint: 'Install crun or runc, or name one with --add-runtime and --default-runtime.',
    },
  );
}

export async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of SEARCH_PATH) {
    const path = join(folder, name);
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return undefined;
}

/** Runs a container whose executable does not exist: the complaint about that means that all before it worked. */
async function tryRuntime(
  { path, args }: RuntimeProgram,
  folder: string,
  launcher: Pick<Launcher, 'run'>,
): Promise<string | undefined> {
  await mkdir(folder, { recursive: true });
  const bundle = await mkdtemp(join(folder, 'probe-'));
  const id = `wherry-probe-${process.pid}-${Date.now()}`;
  const root = join(bundle, 'state');
  try {
    for (const name of ['proc', 'dev']) await mkdir(join(bundle, 'rootfs', name), { recursive: true });
    await writeFile(join(bundle, 'config.json'), JSON.stringify(probeSpec(id)));
    const result = await launcher.run({
      argv: [path, ...args, '--root', root, 'run', '--bundle', bundle, id],
      timeoutMs: 10_000,
    });
    const text = result.stderr.toString().trim();
    await launcher.run({ argv: [path, ...args, '--root', root, 'delete', '--force', id], timeoutMs: 10_000 });
    if (/wherry-no-such-program/.test(text)) return undefined;
    return (
      text.split('\n').at(-1) || `it ended with ${result.signal ? `signal ${result.signal}` : `code ${result.code}`}`
    );
  } catch (error) {
    return describe(error);
  } finally {
    await rm(bundle, { recursive: true, force: true });
  }
}

function probeSpec(id: string): object {
  return {
    ociVersion: '1.0.2',
    root: { path: 'rootfs' },
    process: { user: { uid: 0, gid: 0 }, args: ['/wherry-no-such-program'], cwd: '/', env: [] },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
    linux: {
      cgroupsPath: `/wherry/${id}`,
      namespaces: ['pid', 'mount', 'ipc', 'uts', 'network'].map((type) => ({ type })),
    },
  };
}
