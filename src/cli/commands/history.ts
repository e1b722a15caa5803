import { imageHistory } from '#api/client/images.ts';
import { defineCommand, print } from '../command.ts';
import { flag } from '../flags/types.ts';
import { bool, string } from '../flags/values.ts';
import { exactHistoryColumns, historyColumns, historyFields } from '../format/history-fields.ts';
import { renderList } from '../format/list.ts';
import { platformJson } from '../platform.ts';

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE',
  args: { min: 1, max: 1 },
  flags: {
    format: flag(string, "'table', 'json', 'table TEMPLATE' or a Go TEMPLATE for each layer"),
    human: flag(bool, 'Show ages and units instead of times and bytes', { short: 'H', initial: true }),
    'no-trunc': flag(bool, 'Show ids and commands in full'),
    platform: flag(string, 'Show the history of this platform, such as linux/amd64'),
    quiet: flag(bool, 'Show ids only', { short: 'q' }),
  },
  async run({ context, values, args: [image = ''] }) {
    const platform = values.platform ? platformJson(values.platform) : undefined;
    const layers = await imageHistory(await context.client(), image, { platform });
    const text = await renderList(layers, historyFields(values['no-trunc'], values.human), {
      format: values.format,
      columns: values.human ? historyColumns : exactHistoryColumns,
      quiet: values.quiet ? 'ID' : undefined,
    });
    await print(context.stdout, text);
    return 0;
  },
});
