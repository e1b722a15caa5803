import { inspectVolumeText } from '#api/client/volumes.ts';
import { defineCommand } from '../command.ts';
import { flag } from '../flags/types.ts';
import { string } from '../flags/values.ts';
import { inspectAll } from '../inspect.ts';

export const command = defineCommand({
  usage: '[OPTIONS] VOLUME [VOLUME...]',
  args: { min: 1 },
  flags: { format: flag(string, "'json' or a Go TEMPLATE", { short: 'f' }) },
  async run({ context, values: { format }, args }) {
    const client = await context.client();
    return inspectAll(context, args, format, (name) => inspectVolumeText(client, name));
  },
});
