import { hostOf } from '#lib/registry-address.ts';
import { defineCommand, print, printLine } from '../command.ts';
import { eraseCredentials } from '../config/credentials.ts';
import { DEFAULT_REGISTRY } from '../config/registry-key.ts';
import { failureText } from '../failure.ts';

export const command = defineCommand({
  usage: '[SERVER]',
  args: { min: 0, max: 1 },
  flags: {},
  async run({ context, args: [server = ''] }) {
    const host = server === '' ? DEFAULT_REGISTRY : hostOf(server);
    // The other forms are names under which older clients kept them.
    const names = server === '' ? [host] : [...new Set([server, host, `http://${host}`, `https://${host}`])];
    await printLine(context, `Removing login credentials for ${host}`);
    try {
      await eraseCredentials(context, names);
      return 0;
    } catch (error) {
      const text = failureText(error, context.program);
      await print(context.stderr, `WARNING: could not erase credentials:\n${host}: ${text}\n`);
      return 1;
    }
  },
});
