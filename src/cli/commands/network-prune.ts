import { defineCommand } from '../command.ts';
import { confirm } from '../confirm.ts';
import { flag } from '../flags/types.ts';
import { bool, filter } from '../flags/values.ts';
import { pruneAndPrint } from '../prune.ts';

const WARNING = 'WARNING! This will remove all custom networks not used by at least one container.';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: { min: 0, max: 0 },
  flags: {
    filter: flag(filter, 'Remove only what meets a condition, such as until=24h'),
    force: flag(bool, 'Do not ask first', { short: 'f' }),
  },
  async run({ context, values }) {
    if (!values.force && !(await confirm(context, WARNING))) return 0;
    await pruneAndPrint(context, 'networks', values.filter);
    return 0;
  },
});
