import { listContainers } from '#api/client/containers.ts';
import { defineCommand, print } from '../command.ts';
import { flag } from '../flags/types.ts';
import { bool, filter, int, string } from '../flags/values.ts';
import { containerColumns, containerFields } from '../format/container-fields.ts';
import { renderList } from '../format/list.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: { min: 0, max: 0 },
  flags: {
    all: flag(bool, 'Show stopped containers too', { short: 'a' }),
    filter: flag(filter, 'Show only what meets a condition, such as status=exited', { short: 'f' }),
    format: flag(string, "'table', 'json', 'table TEMPLATE' or a Go TEMPLATE for each container"),
    last: flag(int, 'Show the n newest containers in any state', { short: 'n', initial: -1 }),
    latest: flag(bool, 'Show the newest container in any state', { short: 'l' }),
    'no-trunc': flag(bool, 'Show ids and commands in full'),
    quiet: flag(bool, 'Show ids only', { short: 'q' }),
    size: flag(bool, 'Show sizes', { short: 's' }),
  },
  async run({ context, values }) {
    const full = values['no-trunc'];
    const size = values.size || asksForSize(values.format);
    const limit = values.latest ? 1 : values.last > 0 ? values.last : undefined;
    const containers = await listContainers(await context.client(), {
      all: values.all,
      size,
      limit,
      filters: values.filter,
    });
    if (values.quiet && values.format !== '') {
      await print(context.stderr, 'WARNING: Ignoring custom format, because both --format and --quiet are set.\n');
    }
    const text = await renderList(containers, containerFields(full), {
      format: values.quiet ? '' : values.format,
      columns: [...containerColumns, ...(values.size ? ['Size'] : [])],
      quiet: values.quiet ? 'ID' : undefined,
    });
    await print(context.stdout, text);
    return 0;
  },
});

/** Sizes cost the daemon a walk through the file system, so they are asked for only when a template shows them. */
function asksForSize(format: string): boolean {
  return format === 'json' || /\.Size\b|\bjson\s+\.\s*\}\}/.test(format);
}
