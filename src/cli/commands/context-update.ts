import { defineCommand, print, printLine } from '../command.ts';
import { endpointFlag, endpointFrom } from '../contexts/endpoint-flags.ts';
import { checkContextName, readContext, writeContext } from '../contexts/store.ts';
import { flag } from '../flags/types.ts';
import { string } from '../flags/values.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTEXT',
  args: { min: 1, max: 1 },
  flags: {
    description: flag(string, 'What it is for'),
    docker: flag(endpointFlag, 'The daemon: host=ADDRESS,ca=FILE,cert=FILE,key=FILE,skip-tls-verify=BOOL,from=CONTEXT'),
  },
  async run({ context, values, given, args: [name = ''] }) {
    checkContextName(name);
    const { configFolder } = context;
    const stored = await readContext(configFolder, name);
    if (values.description) stored.Metadata = { ...stored.Metadata, Description: values.description };
    const changed = given.has('docker') ? await endpointFrom(context, values.docker) : undefined;
    if (changed) stored.Endpoints = { ...stored.Endpoints, docker: changed.endpoint };
    await writeContext(configFolder, stored, changed?.tls);
    await printLine(context, name);
    await print(context.stderr, `Successfully updated context "${name}"\n`);
    return 0;
  },
});
