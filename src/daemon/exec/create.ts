import { mkdir, rm, writeFile } from 'node:fs/promises';
import type { Container } from '#container/container.ts';
import { parseDetachKeys } from '#container/detach-keys.ts';
import { Exec, type ExecRecord } from '#container/exec.ts';
import { conflict, errnoCode, invalid } from '#errors/errors.ts';
import { randomId } from '#lib/names.ts';
import { fault } from '#lib/write-steps.ts';
import type { Framing } from '#runtime/monitor-stream.ts';
import type { Engine } from '../engine.ts';
import { refuseRestarting } from '../refusals.ts';
import { publishExec } from './events.ts';
import { prepareAhead } from './prepare.ts';

export type ExecRequest = Omit<ExecRecord, 'version' | 'id'>;

/**
 * `POST /containers/{id}/exec`. Its record is written to the run folder, so that it can be started after the engine was
 * killed. A start with this `framing` finds it ready. Throws `invalid` without a command and for unknown detach keys,
 * `conflict` unless the container runs.
 */
export async function createExec(
  engine: Engine,
  container: Container,
  request: ExecRequest,
  framing: Framing = request.tty ? 'raw' : 'docker',
): Promise<Exec> {
  const { config } = container.record;
  if (request.command.length === 0) throw invalid('No exec command specified');
  checkCanExec(container, container.name);
  if (request.detachKeys) parseDetachKeys(request.detachKeys);
  const exec = new Exec(container, {
    version: 1,
    id: randomId(),
    ...request,
    user: request.user || config.User,
    workingDir: request.workingDir || config.WorkingDir,
  });
  await makeFolder(engine, exec);
  prepareAhead(engine, exec, framing);
  await writeRecord(engine, exec);
  fault('exec.create');
  engine.execs.add(exec);
  publishExec(engine, exec, 'exec_create');
  return exec;
}

/** Throws `conflict` in Docker's words when no process can be started in the container; `called` is how to name it. */
export function checkCanExec(container: Container, called = container.id): void {
  if (container.status === 'paused') {
    throw conflict(`Container ${called} is paused, unpause the container before exec`);
  }
  refuseRestarting(container);
  if (!container.running) throw conflict(`container ${container.id} is not running`);
  if (container.state.paused) {
    throw conflict(`Container ${container.id} is paused, unpause the container before exec`);
  }
}

/** Not recursively: the run folder of a container that has just exited must not come back. */
async function makeFolder(engine: Engine, { id, container }: Exec): Promise<void> {
  const { folder } = engine.paths.exec(container.id, id);
  const { execs } = engine.paths.container(container.id);
  const make = (path: string) => mkdir(path, { mode: 0o700 });
  try {
    await make(folder).catch(async (error) => {
      if (errnoCode(error) !== 'ENOENT') throw error;
      await make(execs).catch(ifThere); // the first one of this run
      await make(folder);
    });
  } catch (error) {
    throw refusal(container, error);
  }
}

function ifThere(error: unknown): void {
  if (errnoCode(error) !== 'EEXIST') throw error;
}

async function writeRecord(engine: Engine, { id, container, record }: Exec): Promise<void> {
  const { folder, record: file } = engine.paths.exec(container.id, id);
  try {
    await writeFile(file, JSON.stringify(record), { mode: 0o600 });
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw refusal(container, error);
  }
}

/** The run folder goes when the container ends. */
function refusal(container: Container, error: unknown): unknown {
  return container.running ? error : conflict(`container ${container.id} is not running`, { cause: error });
}
