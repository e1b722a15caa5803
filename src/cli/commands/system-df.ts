import { diskUsage } from '#api/client/system.ts';
import type { DiskUsage } from '#api/types/disk-usage.ts';
import { defineCommand, print } from '../command.ts';
import { flag } from '../flags/types.ts';
import { bool, string } from '../flags/values.ts';
import { usageColumns, usageFields, usageRows } from '../format/disk-usage-fields.ts';
import { renderList } from '../format/list.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: { min: 0, max: 0 },
  flags: {
    format: flag(string, "'table', 'json', 'table TEMPLATE' or a Go TEMPLATE"),
    verbose: flag(bool, 'Show every object', { short: 'v' }),
  },
  async run({ context, values }) {
    const usage = await diskUsage(await context.client());
    await print(
      context.stdout,
      values.verbose ? await details(usage, values.format) : await totals(usage, values.format),
    );
    return 0;
  },
});

function totals(usage: DiskUsage, format: string): Promise<string> {
  return renderList(usageRows(usage), usageFields, { format, columns: usageColumns });
}

async function details(usage: DiskUsage, format: string): Promise<string> {
  const { usageDetails, usageTemplate } = await import('../format/disk-usage-details.ts');
  return format === '' || format === 'table' ? usageDetails(usage) : usageTemplate(usage, format);
}
