import { listNetworks } from '#api/client/networks.ts';
import { defineCommand, print } from '../command.ts';
import { flag } from '../flags/types.ts';
import { bool, filter, string } from '../flags/values.ts';
import { renderList } from '../format/list.ts';
import { compareNaturally } from '../format/natural-order.ts';
import { networkColumns, networkFields } from '../format/network-fields.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: { min: 0, max: 0 },
  flags: {
    filter: flag(filter, 'Show only what meets a condition, such as driver=bridge', { short: 'f' }),
    format: flag(string, "'table', 'json', 'table TEMPLATE' or a Go TEMPLATE for each network"),
    'no-trunc': flag(bool, 'Show ids in full'),
    quiet: flag(bool, 'Show ids only', { short: 'q' }),
  },
  async run({ context, values }) {
    const networks = await listNetworks(await context.client(), values.filter);
    networks.sort((a, b) => compareNaturally(a.Name, b.Name));
    const text = await renderList(networks, networkFields(values['no-trunc']), {
      format: values.format,
      columns: networkColumns,
      quiet: values.quiet ? 'ID' : undefined,
    });
    await print(context.stdout, text);
    return 0;
  },
});
