import { defineCommand, print, printLine } from '../command.ts';
import { changeConfig } from '../config/config-file.ts';
import { DEFAULT_CONTEXT } from '../contexts/context-name.ts';
import { readContext } from '../contexts/store.ts';

export const command = defineCommand({
  usage: 'CONTEXT',
  args: { min: 1, max: 1 },
  flags: {},
  async run({ context, args: [name = ''] }) {
    const { configFolder, env } = context;
    if (name !== DEFAULT_CONTEXT) await readContext(configFolder, name);
    await changeConfig(configFolder, ({ currentContext: _, ...config }) =>
      name === DEFAULT_CONTEXT ? config : { ...config, currentContext: name },
    );
    await printLine(context, name);
    await print(context.stderr, `Current context is now "${name}"\n`);
    const overriding = ['WHERRY_HOST', 'DOCKER_HOST'].find((variable) => env[variable]);
    if (overriding && name !== DEFAULT_CONTEXT) {
      await print(
        context.stderr,
        `Warning: ${overriding} environment variable overrides the active context. To use "${name}", either set the ` +
          `global --context flag, or unset ${overriding} environment variable.\n`,
      );
    }
    return 0;
  },
});
