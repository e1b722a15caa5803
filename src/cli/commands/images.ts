import { listImages } from '#api/client/images.ts';
import { defineCommand, print } from '../command.ts';
import { flag } from '../flags/types.ts';
import { bool, filter, string } from '../flags/values.ts';
import { imageColumns, imageColumnsWithDigest, imageFields, imageRows } from '../format/image-fields.ts';
import { renderList } from '../format/list.ts';

export const command = defineCommand({
  usage: '[OPTIONS] [REPOSITORY[:TAG]]',
  args: { min: 0, max: 1 },
  flags: {
    all: flag(bool, 'Show intermediate images too', { short: 'a' }),
    digests: flag(bool, 'Show digests'),
    filter: flag(filter, 'Show only what meets a condition, such as dangling=true', { short: 'f' }),
    format: flag(string, "'table', 'json', 'table TEMPLATE' or a Go TEMPLATE for each image"),
    'no-trunc': flag(bool, 'Show ids in full'),
    quiet: flag(bool, 'Show ids only', { short: 'q' }),
  },
  async run({ context, values, args }) {
    const [reference] = args;
    const filters = reference === undefined ? values.filter : withReference(values.filter, reference);
    const images = await listImages(await context.client(), { all: values.all, filters });
    const { digests } = values;
    const rows = imageRows(images, { digests, digestOfTag: digests || values.format.includes('{{.Digest}}') });
    const text = await renderList(rows, imageFields(values['no-trunc']), {
      format: values.format,
      columns: values.digests ? imageColumnsWithDigest : imageColumns,
      quiet: values.quiet ? 'ID' : undefined,
    });
    await print(context.stdout, text);
    return 0;
  },
});

const withReference = (filters: Record<string, string[]>, reference: string) => ({
  ...filters,
  reference: [...(filters.reference ?? []), reference],
});
