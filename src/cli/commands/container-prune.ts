import { pruneContainers } from '#api/client/containers.ts';
import { defineCommand, print } from '../command.ts';
import { confirm } from '../confirm.ts';
import { flag } from '../flags/types.ts';
import { bool, filter } from '../flags/values.ts';
import { humanSize } from '../format/units.ts';

const WARNING = 'WARNING! This will remove all stopped containers.';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: { min: 0, max: 0 },
  flags: {
    filter: flag(filter, 'Remove only what meets a condition, such as until=24h'),
    force: flag(bool, 'Do not ask first', { short: 'f' }),
  },
  async run({ context, values }) {
    if (!values.force && !(await confirm(context, WARNING))) return 0;
    const pruned = await pruneContainers(await context.client(), values.filter);
    const deleted = pruned.ContainersDeleted ?? [];
    if (deleted.length > 0) await print(context.stdout, `Deleted Containers:\n${deleted.join('\n')}\n\n`);
    await print(context.stdout, `Total reclaimed space: ${humanSize(pruned.SpaceReclaimed, 4)}\n`);
    return 0;
  },
});
