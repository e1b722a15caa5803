import { searchImages } from '#api/client/images.ts';
import { defineCommand, print } from '../command.ts';
import { findCredentials } from '../config/credentials.ts';
import { encodeAuth } from '../config/registry-auth.ts';
import { searchKeyOf } from '../config/registry-key.ts';
import { flag } from '../flags/types.ts';
import { bool, filter, int, string } from '../flags/values.ts';
import { renderList } from '../format/list.ts';
import { searchColumns, searchFields } from '../format/search-fields.ts';

export const command = defineCommand({
  usage: '[OPTIONS] TERM',
  args: { min: 1, max: 1 },
  flags: {
    filter: flag(filter, 'Show only what meets a condition, such as is-official=true or stars=3', { short: 'f' }),
    format: flag(string, "'table', 'json', 'table TEMPLATE' or a Go TEMPLATE for each image"),
    limit: flag(int, 'The most results'),
    'no-trunc': flag(bool, 'Show descriptions in full'),
  },
  async run({ context, values, args: [term = ''] }) {
    const auth = await findCredentials(context, searchKeyOf(term));
    const query = { term, limit: values.limit || undefined, filters: values.filter };
    const results = await searchImages(await context.client(), query, auth && encodeAuth(auth));
    const isJson = values.format === 'json' || values.format === '{{json .}}';
    const options = { format: values.format, columns: searchColumns };
    await print(context.stdout, await renderList(results, searchFields(values['no-trunc'], isJson), options));
    return 0;
  },
});
