import { readFile } from 'node:fs/promises';
import type { Health } from '#api/types/container.ts';
import type { Container } from '#container/container.ts';
import { errnoCode } from '#errors/errors.ts';
import { replaceFile } from '#lib/durable-file.ts';
import type { Engine } from '../engine.ts';

/** Writes the health of a run down for the next engine. A run that is over needs none. */
export async function keepHealth(engine: Engine, { id, state }: Container): Promise<void> {
  try {
    await replaceFile(engine.paths.container(id).health, JSON.stringify(state.health));
  } catch (error) {
    if (errnoCode(error) !== 'ENOENT') throw error;
  }
}

/** Takes over what an earlier engine found out in the container's present run. */
export async function recallHealth(engine: Engine, container: Container): Promise<void> {
  try {
    container.setHealth(JSON.parse(await readFile(engine.paths.container(container.id).health, 'utf8')) as Health);
  } catch (error) {
    if (errnoCode(error) !== 'ENOENT' && !(error instanceof SyntaxError)) throw error;
  }
}
