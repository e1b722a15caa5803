import { containerLogs, isRaw } from '#api/client/containers.ts';
import { defineCommand } from '../command.ts';
import { flag } from '../flags/types.ts';
import { bool, string } from '../flags/values.ts';
import { copyOutput } from '../session/output.ts';
import { parseMoment } from '../timestamp.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER',
  args: { min: 1, max: 1 },
  flags: {
    details: flag(bool, 'Show what the log driver knows beside each line'),
    follow: flag(bool, 'Go on with what is printed from now on', { short: 'f' }),
    since: flag(string, 'Show what was printed since a time (2013-01-02T13:23:37Z) or for a while (42m)'),
    tail: flag(string, 'Number of lines to show from the end', { short: 'n', initial: 'all' }),
    timestamps: flag(bool, 'Show the time of each line', { short: 't' }),
    until: flag(string, 'Show what was printed before a time (2013-01-02T13:23:37Z) or until a while ago (42m)'),
  },
  async run({ context, values, args: [container = ''] }) {
    const client = await context.client();
    const logs = await containerLogs(client, container, {
      stdout: true,
      stderr: true,
      follow: values.follow,
      timestamps: values.timestamps,
      details: values.details,
      tail: values.tail,
      since: values.since ? parseMoment(values.since) : undefined,
      until: values.until ? parseMoment(values.until) : undefined,
    });
    await copyOutput(logs.body, context, { raw: await isRaw(client, container, logs) });
    return 0;
  },
});
