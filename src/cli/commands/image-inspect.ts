import { inspectImageText } from '#api/client/images.ts';
import { defineCommand } from '../command.ts';
import { flag } from '../flags/types.ts';
import { string } from '../flags/values.ts';
import { inspectAll } from '../inspect.ts';
import { platformJson } from '../platform.ts';

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  args: { min: 1 },
  flags: {
    format: flag(string, "'json' or a Go TEMPLATE", { short: 'f' }),
    platform: flag(string, 'Show this platform of the image, such as linux/amd64'),
  },
  async run({ context, values, args }) {
    const client = await context.client();
    const platform = values.platform ? platformJson(values.platform) : undefined;
    return inspectAll(context, args, values.format, (name) => inspectImageText(client, name, { platform }));
  },
});
