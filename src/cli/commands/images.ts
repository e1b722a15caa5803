import { listImages } from '#api/client/images.ts';
import { defineCommand, print } from '../command.ts';
import { CommandError } from '../errors.ts';
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
    tree: flag(bool, 'Show for which platforms images are'),
  },
  async run({ context, values, args }) {
    const [reference] = args;
    const filters = reference === undefined ? values.filter : withReference(values.filter, reference);
    if (values.tree) refuseWithTree(values);
    const images = await listImages(await context.client(), { all: values.all, filters, manifests: values.tree });
    if (values.tree) {
      const { imageTree } = await import('../format/image-tree.ts');
      await print(context.stdout, await imageTree(images, { full: values['no-trunc'] }));
      return 0;
    }
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

/** What a tree has no place for, in docker's words. */
function refuseWithTree(values: { digests: boolean; quiet: boolean; format: string }): void {
  const other = values.quiet ? '--quiet' : values.format !== '' ? '--format' : values.digests ? '--digests' : undefined;
  if (other) throw new CommandError(`${other} is not yet supported with --tree`);
}

const withReference = (filters: Record<string, string[]>, reference: string) => ({
  ...filters,
  reference: [...(filters.reference ?? []), reference],
});
