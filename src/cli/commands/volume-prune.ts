import { defineCommand } from '../command.ts';
import { confirm } from '../confirm.ts';
import { CommandError } from '../errors.ts';
import { flag } from '../flags/types.ts';
import { bool, filter } from '../flags/values.ts';
import { printReclaimed, pruneAndPrint } from '../prune.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: { min: 0, max: 0 },
  flags: {
    all: flag(bool, 'Remove volumes with a name, too, not only anonymous ones', { short: 'a' }),
    filter: flag(filter, 'Remove only what meets a condition, such as label=key=value'),
    force: flag(bool, 'Do not ask first', { short: 'f' }),
  },
  async run({ context, values: { all, filter, force } }) {
    if (all && filter.all) throw new CommandError('conflicting options: cannot specify both --all and --filter all=1');
    const kind = all ? 'all' : 'anonymous';
    const warning = `WARNING! This will remove ${kind}${all ? '' : ' local'} volumes not used by at least one container.`;
    if (!force && !(await confirm(context, warning))) return 0;
    const reclaimed = await pruneAndPrint(context, 'volumes', all ? { ...filter, all: ['true'] } : filter);
    await printReclaimed(context, reclaimed);
    return 0;
  },
});
