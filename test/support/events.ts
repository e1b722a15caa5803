import { ask } from './ask.ts';
import type { TestDaemon } from './daemon.ts';

/** What happened while `work` went on, from the engine's history, as `type action`, and `key=value` of what is asked for. */
export async function eventsOf(
  daemon: TestDaemon,
  work: () => Promise<unknown>,
  { filters = [], show = [] }: { filters?: string[]; show?: string[] } = {},
): Promise<string[]> {
  const since = await engineTime(daemon);
  await work();
  const flags = filters.flatMap((filter) => ['--filter', filter]);
  const range = ['--since', since, '--until', await engineTime(daemon)];
  const lines = await daemon.ok(['events', ...range, ...flags, '--format', '{{json .}}']);
  return lines
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const { Type, Action, Actor } = JSON.parse(line);
      return [`${Type} ${Action}`, ...show.map((key) => `${key}=${Actor.Attributes[key]}`)].join(' ');
    });
}

/** By the engine's clock, after all that it has told so far: ours and its own differ below a millisecond. */
export async function engineTime({ socket }: TestDaemon): Promise<string> {
  return JSON.parse((await ask(socket, 'GET', '/v1.45/info')).text).SystemTime;
}
