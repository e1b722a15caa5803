import type { Prunable } from '#api/client/prune.ts';
import { defineCommand } from '../command.ts';
import { confirm } from '../confirm.ts';
import { CommandError } from '../errors.ts';
import { flag } from '../flags/types.ts';
import { bool, filter } from '../flags/values.ts';
import { printReclaimed, pruneAndPrint } from '../prune.ts';

type Filters = Record<string, string[]>;

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: { min: 0, max: 0 },
  flags: {
    all: flag(bool, 'Remove every image that no container uses, not only those without a name', { short: 'a' }),
    filter: flag(filter, 'Remove only what meets a condition, such as label=key=value'),
    force: flag(bool, 'Do not ask', { short: 'f' }),
    volumes: flag(bool, 'Remove anonymous volumes, too'),
  },
  async run({ context, values: { all, filter, force, volumes } }) {
    if (volumes && filter.until) throw new CommandError('ERROR: The "until" filter is not supported with "--volumes"');
    if (!force && !(await confirm(context, warning(all, volumes, filter)))) return 0;
    let reclaimed = 0;
    // In this order: what is gone lets go of what comes after it.
    for (const [kind, filters] of steps(all, volumes, filter)) reclaimed += await pruneAndPrint(context, kind, filters);
    await printReclaimed(context, reclaimed);
    return 0;
  },
});

function steps(all: boolean, volumes: boolean, filters: Filters): [Prunable, Filters][] {
  return [
    ['containers', filters],
    ['networks', filters],
    ...(volumes ? [['volumes', filters] satisfies [Prunable, Filters]] : []),
    ['images', { ...filters, dangling: [...(filters.dangling ?? []), String(!all)] }],
    ['build', filters],
  ];
}

function warning(all: boolean, volumes: boolean, filters: Filters): string {
  const kinds = [
    'all stopped containers',
    'all networks not used by at least one container',
    ...(volumes ? ['all anonymous volumes not used by at least one container'] : []),
    all ? 'all images without at least one container associated to them' : 'all dangling images',
    all ? 'all build cache' : 'unused build cache',
  ];
  const conditions = Object.entries(filters).flatMap(([name, wanted]) => wanted.map((value) => `${name}=${value}`));
  return [
    'WARNING! This will remove:',
    ...kinds.map((kind) => `  - ${kind}`),
    ...(conditions.length > 0 ? ['', '  Items to be pruned will be filtered with:'] : []),
    ...conditions.sort().map((condition) => `  - ${condition}`),
    '',
  ].join('\n');
}
