import { defineCommand } from '../command.ts';
import { changeConfig, readConfig } from '../config/config-file.ts';
import { DEFAULT_CONTEXT } from '../contexts/context-name.ts';
import { hasContext, removeContext } from '../contexts/store.ts';
import { forEach } from '../each.ts';
import { CommandError } from '../errors.ts';
import { flag } from '../flags/types.ts';
import { bool } from '../flags/values.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTEXT [CONTEXT...]',
  args: { min: 1 },
  flags: { force: flag(bool, 'Remove it even while it is in use', { short: 'f' }) },
  async run({ context, values, args }) {
    const { configFolder } = context;
    const current = await context.contextName();
    return forEach(context, args, async (name) => {
      if (name === DEFAULT_CONTEXT) throw new CommandError('default: context "default" cannot be removed');
      if (!values.force && !(await hasContext(configFolder, name))) {
        throw new CommandError(`context "${name}" does not exist`);
      }
      if (name === current && !values.force) {
        throw new CommandError(`context "${name}" is in use, set -f flag to force remove`);
      }
      await removeContext(configFolder, name);
      if ((await readConfig(configFolder)).currentContext === name) {
        await changeConfig(configFolder, ({ currentContext: _, ...config }) => config);
      }
      return name;
    });
  },
});
