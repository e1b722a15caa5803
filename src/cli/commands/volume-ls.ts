import { listVolumes } from '#api/client/volumes.ts';
import { defineCommand, print } from '../command.ts';
import { flag } from '../flags/types.ts';
import { bool, filter, string } from '../flags/values.ts';
import { renderList } from '../format/list.ts';
import { compareNaturally } from '../format/natural-order.ts';
import { volumeColumns, volumeFields } from '../format/volume-fields.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: { min: 0, max: 0 },
  flags: {
    cluster: flag(bool, 'Show only the volumes of a swarm'),
    filter: flag(filter, 'Show only what meets a condition, such as dangling=true', { short: 'f' }),
    format: flag(string, "'table', 'json', 'table TEMPLATE' or a Go TEMPLATE for each volume"),
    quiet: flag(bool, 'Show names only', { short: 'q' }),
  },
  async run({ context, values }) {
    const { Volumes: volumes } = await listVolumes(await context.client(), values.filter);
    const shown = values.cluster ? [] : (volumes ?? []);
    shown.sort((a, b) => compareNaturally(a.Name, b.Name));
    const text = await renderList(shown, volumeFields, {
      format: values.format,
      columns: volumeColumns,
      quiet: values.quiet ? 'Name' : undefined,
    });
    await print(context.stdout, text);
    return 0;
  },
});
