import { systemInfoText } from '#api/client/system.ts';
import type { SystemInfo } from '#api/types/system.ts';
import { parseExact } from '#lib/json.ts';
import { defineCommand, print } from '../command.ts';
import { flag } from '../flags/types.ts';
import { string } from '../flags/values.ts';
import { infoWarnings, serverInfo } from '../format/info.ts';
import { clientVersion } from '../product.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: { min: 0, max: 0 },
  flags: { format: flag(string, "'json' or a Go TEMPLATE", { short: 'f' }) },
  async run({ context, values }) {
    const client = await context.client();
    const info = await systemInfoText(client).then(
      (text) => parseExact(text) as SystemInfo,
      (error: Error) => error,
    );
    const own = await clientVersion(client.version(), await context.contextName());
    if (values.format !== '') {
      if (info instanceof Error) throw info;
      const { objectFormatter } = await import('../format/object.ts');
      const whole = { ...info, ClientInfo: { Debug: false, ...own, Plugins: [], Warnings: null } };
      await print(context.stdout, `${objectFormatter(values.format, { typed: true })(whole)}\n`);
      return 0;
    }
    await print(
      context.stdout,
      `Client:\n Version:    ${own.Version}\n Context:    ${own.Context}\n Debug Mode: false\n\nServer:\n`,
    );
    if (info instanceof Error) throw info;
    await print(context.stdout, `${serverInfo(info)}\n`);
    await print(context.stderr, infoWarnings(info));
    return 0;
  },
});
