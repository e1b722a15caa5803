import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '#api/client/client.ts';
import { listContainers } from '#api/client/containers.ts';
import { systemEvents } from '#api/client/system.ts';
import type { EventMessage } from '#api/types/event.ts';
import { type Context, print } from '../command.ts';
import { CommandError } from '../errors.ts';
import { failureText } from '../failure.ts';
import type { StatsRow } from '../format/stats-fields.ts';
import { Watched } from './watched.ts';

/** Milliseconds between two pictures. */
const REDRAW = 500;

export interface LiveOptions {
  /** Empty = all that run, as they come and go. */
  names: string[];
  /** Those that do not run, too. */
  all: boolean;
  render(rows: StatsRow[]): Promise<string>;
}

/**
 * Draws the table again and again: until the named containers are gone, else until the reader of the output is. Throws
 * CommandError for names that the daemon does not know.
 */
export async function showLive(
  { stdout, program }: Context,
  client: Client,
  { names, all, render }: LiveOptions,
): Promise<void> {
  const watched = new Watched(client);
  const failed = names.length > 0 ? await addNamed(watched, names) : await addListed(client, watched, all);
  if (failed.length > 0) {
    watched.dropAll();
    throw new CommandError(failed.map((error) => failureText(error, program)).join('\n'));
  }
  await print(stdout, '\x1b[2J');
  while (!stdout.destroyed) {
    await print(stdout, picture(await render(watched.rows())));
    if (names.length > 0 && watched.ended) return;
    await sleep(REDRAW);
  }
}

/** From the upper left corner, over the last picture; what that had more of is erased. */
function picture(text: string): string {
  return `\x1b[H${text.replaceAll('\n', '\x1b[K\n')}\x1b[J`;
}

async function addNamed(watched: Watched, names: string[]): Promise<unknown[]> {
  const results = await Promise.allSettled(names.map((name) => watched.add(name)));
  return results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
}

/** Listens first, so that nothing that starts meanwhile is missed. */
async function addListed(client: Client, watched: Watched, all: boolean): Promise<unknown[]> {
  const wanted = all ? { come: 'create', go: 'destroy' } : { come: 'start', go: 'die' };
  const events = await systemEvents(client, {
    filters: { type: ['container'], event: [wanted.come, wanted.go] },
  });
  const containers = await listContainers(client, { all });
  await Promise.all(containers.map(({ Id }) => watched.add(Id).catch(() => watched.drop(Id))));
  void followEvents(events, watched, wanted.come);
  return [];
}

/** The end of the daemon is also that of every stream: their rows say so. */
async function followEvents(events: AsyncIterable<string>, watched: Watched, come: string): Promise<void> {
  try {
    for await (const text of events) {
      const { Action: action, Actor: actor } = JSON.parse(text) as EventMessage;
      if (action === come) void watched.add(actor.ID).catch(() => watched.drop(actor.ID));
      else watched.drop(actor.ID);
    }
  } catch {
    // the rows tell
  }
}
