import { createVolume } from '#api/client/volumes.ts';
import { defineCommand, printLine } from '../command.ts';
import { CommandError } from '../errors.ts';
import { type Flag, flag, type ValueType } from '../flags/types.ts';
import { list, map, string } from '../flags/values.ts';
import { labelList, pairsOf } from '../spec/environment.ts';

/** Taken, as docker takes them, for volumes of a swarm, which there are none of here. */
const clusterFlag = <T>(type: ValueType<T>): Flag<T> => flag(type, 'For volumes of a swarm', { hidden: true });

const clusterFlags = {
  availability: clusterFlag(string),
  group: clusterFlag(string),
  'limit-bytes': clusterFlag(string),
  'required-bytes': clusterFlag(string),
  scope: clusterFlag(string),
  secret: clusterFlag(map),
  sharing: clusterFlag(string),
  'topology-preferred': clusterFlag(list),
  'topology-required': clusterFlag(list),
  type: clusterFlag(string),
};

export const command = defineCommand({
  usage: '[OPTIONS] [VOLUME]',
  args: { min: 0, max: 1 },
  flags: {
    ...clusterFlags,
    driver: flag(string, 'Driver of the volume', { short: 'd', initial: 'local' }),
    label: flag(labelList, 'Set a label: name=value'),
    opt: flag(map, 'Options for the driver: name=value', { short: 'o' }),
  },
  async run({ context, values, given, args: [name = ''] }) {
    const cluster = Object.keys(clusterFlags).find((wanted) => given.has(wanted as keyof typeof clusterFlags));
    if (cluster) throw new CommandError(`--${cluster} is for volumes of a swarm`, { hint: 'Leave it out.' });
    const volume = await createVolume(await context.client(), {
      Name: name,
      Driver: values.driver,
      DriverOpts: values.opt,
      Labels: pairsOf(values.label),
    });
    await printLine(context, volume.Name);
    return 0;
  },
});
