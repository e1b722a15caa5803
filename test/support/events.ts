import type { TestDaemon } from './daemon.ts';

/** What happened while `work` went on, from the engine's history, as `type action`, and `key=value` of what is asked for. */
export async function eventsOf(
  daemon: TestDaemon,
  work: () => Promise<unknown>,
  { filters = [], show = [] }: { filters?: string[]; show?: string[] } = {},
): Promise<string[]> {
  const since = nowSeconds();
  await work();
  const flags = filters.flatMap((filter) => ['--filter', filter]);
  const range = ['--since', since, '--until', nowSeconds()];
  const lines = await daemon.ok(['events', ...range, ...flags, '--format', '{{json .}}']);
  return lines
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const { Type, Action, Actor } = JSON.parse(line);
      return [`${Type} ${Action}`, ...show.map((key) => `${key}=${Actor.Attributes[key]}`)].join(' ');
    });
}

/** Now, as `--since` and `--until` take it, to the microsecond. */
export function nowSeconds(): string {
  const micros = Math.round((performance.timeOrigin + performance.now()) * 1000);
  return `${Math.floor(micros / 1e6)}.${String(micros % 1e6).padStart(6, '0')}000`;
}
