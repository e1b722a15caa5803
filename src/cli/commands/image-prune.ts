import { defineCommand } from '../command.ts';
import { confirm } from '../confirm.ts';
import { flag } from '../flags/types.ts';
import { bool, filter } from '../flags/values.ts';
import { printReclaimed, pruneAndPrint } from '../prune.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: { min: 0, max: 0 },
  flags: {
    all: flag(bool, 'Remove every image that no container uses, not only those without a name', { short: 'a' }),
    filter: flag(filter, 'Remove only what meets a condition, such as until=24h'),
    force: flag(bool, 'Do not ask', { short: 'f' }),
  },
  async run({ context, values }) {
    const what = values.all ? 'images without at least one container associated to them' : 'dangling images';
    if (!values.force && !(await confirm(context, `WARNING! This will remove all ${what}.`))) return 0;
    const dangling = [...(values.filter.dangling ?? []), String(!values.all)];
    await printReclaimed(context, await pruneAndPrint(context, 'images', { ...values.filter, dangling }));
    return 0;
  },
});
