import { access } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Container } from '#container/container.ts';
import { conflict, isEngineError } from '#errors/errors.ts';
import type { Sendable } from '#lib/client-socket.ts';
import type { TreeView } from '#programs/tree-view.ts';
import type { Engine } from './engine.ts';
import { releaseMounts, runOf } from './launch/release-run.ts';
import { mountSources } from './mount-sources.ts';
import { sharedContainer } from './shared-namespaces.ts';

/** A container's files while they can be read and written: its root stays mounted until this is disposed. */
export interface OpenView extends AsyncDisposable {
  readonly view: TreeView;
}

/** Milliseconds between two looks at a container whose process has ended but whose exit is not recorded yet. */
const EXIT_POLL = 20;
const EXIT_TRIES = 100;

/**
 * Opens a container's files for `use`, which disposes of them or hands them on: those of its process while it runs, else
 * its root, mounted for this. `volumes` = with what is mounted on the root. When the process ends just then, `use` is
 * called once more. Throws `conflict` for a container that is being removed.
 */
export async function withView<T>(
  engine: Engine,
  container: Container,
  { volumes }: { volumes: boolean },
  use: (opened: OpenView) => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    const opened = await container.lock.run(() => openView(engine, container, volumes));
    try {
      return await use(opened);
    } catch (error) {
      await opened[Symbol.asyncDispose]();
      if (!isEngineError(error) || error.code !== 'ESRCH' || tries > EXIT_TRIES) throw error;
      await sleep(EXIT_POLL);
    }
  }
}

/** The bytes of a view, which is disposed of when they are read to their end, sent, or given up. */
export function untilRead(opened: OpenView, bytes: Sendable): Sendable {
  const { sendChunks } = bytes;
  return {
    async *[Symbol.asyncIterator]() {
      await using _ = opened;
      yield* bytes;
    },
    sendChunks:
      sendChunks &&
      (async () => {
        await using _ = opened;
        await sendChunks();
      }),
  };
}

async function openView(engine: Engine, container: Container, volumes: boolean): Promise<OpenView> {
  if (container.removing) throw conflict(`container ${container.id} is being removed`);
  if (!container.running) await container.cleanup;
  container.views++;
  let open = true;
  const dispose = async () => {
    if (!open) return;
    open = false;
    await container.lock.run(() => leave(engine, container));
  };
  try {
    const view = await viewOf(engine, container, volumes);
    return { view, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await leave(engine, container);
    throw error;
  }
}

/** Unmounts what nobody needs any more; what a run has is taken down at its end. */
async function leave(engine: Engine, container: Container): Promise<void> {
  container.views--;
  if (container.views > 0 || container.running || container.removing) return;
  await container.cleanup;
  await releaseMounts(engine, runOf(container.record));
}

async function viewOf(engine: Engine, container: Container, volumes: boolean): Promise<TreeView> {
  const { record, state, running } = container;
  const root = running ? '/' : (await engine.driver.get(record.id)).path;
  if (volumes && !running) await engine.volumes.mountAll(record.id, record.mountPoints);
  const mounts = !volumes ? [] : running ? record.mounts : await mountSources(engine, container);
  return {
    ...(running && { process: { pid: state.pid, startTime: state.processStartTime } }),
    mounts: [
      { source: root, target: '/', writable: !record.hostConfig.ReadonlyRootfs },
      ...mounts.filter(({ type }) => running || type !== 'tmpfs').map(toViewMount),
      ...(volumes ? await networkFiles(engine, container) : []),
    ],
  };
}

const toViewMount = ({ source, destination, readOnly }: Container['record']['mounts'][number]) => ({
  source,
  target: destination,
  writable: !readOnly,
});

/** /etc/hosts and the like, once the container has been started. */
async function networkFiles(engine: Engine, container: Container): Promise<TreeView['mounts']> {
  const owner = sharedContainer(engine, container.record.hostConfig.NetworkMode) ?? container;
  const { hosts, hostname, resolvConf } = engine.paths.container(owner.id);
  const files = [
    { source: resolvConf, target: '/etc/resolv.conf', writable: true },
    { source: hostname, target: '/etc/hostname', writable: true },
    { source: hosts, target: '/etc/hosts', writable: true },
  ];
  const there = await Promise.all(files.map(({ source }) => exists(source)));
  return files.filter((_, index) => there[index]);
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
