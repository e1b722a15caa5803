import type { Client } from '#api/client/client.ts';
import { containerStats, listContainers } from '#api/client/containers.ts';
import { DaemonError } from '#api/client/daemon-error.ts';
import { type Context, defineCommand, print } from '../command.ts';
import { CommandError } from '../errors.ts';
import { failureText } from '../failure.ts';
import { flag } from '../flags/types.ts';
import { bool, string } from '../flags/values.ts';
import { renderList } from '../format/list.ts';
import { type StatsRow, statsColumns, statsFields } from '../format/stats-fields.ts';

export const command = defineCommand({
  usage: '[OPTIONS] [CONTAINER...]',
  args: { min: 0 },
  flags: {
    all: flag(bool, 'Show stopped containers too', { short: 'a' }),
    format: flag(string, "'table', 'json', 'table TEMPLATE' or a Go TEMPLATE for each container"),
    'no-stream': flag(bool, 'Print the figures once'),
    'no-trunc': flag(bool, 'Show ids in full'),
  },
  async run({ context, values, args }) {
    const client = await context.client();
    const fields = statsFields(values['no-trunc']);
    const render = (rows: StatsRow[]) => renderList(rows, fields, { format: values.format, columns: statsColumns });
    if (values['no-stream']) {
      const rows = args.length > 0 ? await namedOnce(context, client, args) : await listedOnce(client, values.all);
      await print(context.stdout, await render(rows));
    } else {
      const { showLive } = await import('../stats/live.ts');
      await showLive(context, client, { names: args, all: values.all, render });
    }
    return 0;
  },
});

/** Figures of these containers; throws CommandError with what the daemon says of each that it has none for. */
async function namedOnce(context: Context, client: Client, names: string[]): Promise<StatsRow[]> {
  const results = await Promise.allSettled(names.map((name) => once(client, name)));
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  if (failures.length > 0) {
    throw new CommandError(failures.map((error) => failureText(error, context.program)).join('\n'));
  }
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

/** A container that goes meanwhile is left out. */
async function listedOnce(client: Client, all: boolean): Promise<StatsRow[]> {
  const containers = await listContainers(client, { all });
  const rows = await Promise.all(
    containers.map(({ Id }) =>
      once(client, Id).catch((error: unknown) => {
        if (error instanceof DaemonError && error.status === 404) return undefined;
        throw error;
      }),
    ),
  );
  return rows.filter((row) => row !== undefined);
}

async function once(client: Client, container: string): Promise<StatsRow> {
  const stream = await containerStats(client, container, { stream: false });
  const { value: stats } = await stream.next();
  return stats ? { container, stats } : { container };
}
