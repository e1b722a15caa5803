import { defineCommand, print, printLine } from '../command.ts';
import { wholeContext } from '../contexts/default-context.ts';
import { endpointFlag, endpointFrom } from '../contexts/endpoint-flags.ts';
import { checkContextName, hasContext, writeContext } from '../contexts/store.ts';
import { CommandError } from '../errors.ts';
import { flag } from '../flags/types.ts';
import { string } from '../flags/values.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTEXT',
  args: { min: 1, max: 1 },
  flags: {
    description: flag(string, 'What it is for'),
    docker: flag(endpointFlag, 'The daemon: host=ADDRESS,ca=FILE,cert=FILE,key=FILE,skip-tls-verify=BOOL,from=CONTEXT'),
    from: flag(string, 'Copy this context'),
  },
  async run({ context, values, given, args: [name = ''] }) {
    checkContextName(name);
    const { configFolder } = context;
    if (await hasContext(configFolder, name)) throw new CommandError(`context "${name}" already exists`);
    const { description } = values;
    if (given.has('docker')) {
      if (values.from) throw new CommandError('cannot use --docker flag when --from is set');
      const { endpoint, tls } = await endpointFrom(context, values.docker);
      const Metadata = description ? { Description: description } : {};
      await writeContext(configFolder, { Name: name, Metadata, Endpoints: { docker: endpoint } }, tls);
    } else {
      const { stored, tls } = await wholeContext(context, values.from || (await context.contextName()));
      const Metadata = { ...stored.Metadata, ...(description && { Description: description }) };
      await writeContext(configFolder, { ...stored, Name: name, Metadata }, tls);
    }
    await printLine(context, name);
    await print(context.stderr, `Successfully created context "${name}"\n`);
    return 0;
  },
});
