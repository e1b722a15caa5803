import type { Client } from '#api/client/client.ts';
import { inspectContainerText } from '#api/client/containers.ts';
import { inspectImageText } from '#api/client/images.ts';
import { isEngineError, notFound } from '#errors/errors.ts';
import { defineCommand } from '../command.ts';
import { CommandError } from '../errors.ts';
import { flag } from '../flags/types.ts';
import { bool, string } from '../flags/values.ts';
import { type Finder, inspectAll } from '../inspect.ts';

export const command = defineCommand({
  usage: '[OPTIONS] NAME|ID [NAME|ID...]',
  args: { min: 1 },
  flags: {
    format: flag(string, "'json' or a Go TEMPLATE", { short: 'f' }),
    size: flag(bool, 'Include the sizes of containers', { short: 's' }),
    type: flag(string, 'Look among objects of this kind only: container, image, network, volume'),
  },
  async run({ context, values, given, args }) {
    const finders = findersOf(await context.client(), values.size);
    if (given.has('type') && !(values.type in finders)) {
      throw new CommandError(`${JSON.stringify(values.type)} is not a valid value for --type`, {
        hint: `Kinds: ${Object.keys(finders).join(', ')}`,
      });
    }
    const find = values.type ? finders[values.type]! : firstOf(Object.values(finders));
    return inspectAll(context, args, values.format, find);
  },
});

/** The kinds of objects in the order in which a name is looked for. */
function findersOf(client: Client, size: boolean): Record<string, Finder> {
  const path =
    (kind: string): Finder =>
    (name) =>
      client.text('GET', `/${kind}/${encodeURIComponent(name)}`);
  return {
    container: (name) => inspectContainerText(client, name, size),
    image: (name) => inspectImageText(client, name).catch(noImage),
    network: path('networks'),
    volume: path('volumes'),
  };
}

/** What cannot be the name of an image may be that of something else. */
function noImage(error: unknown): never {
  if (isEngineError(error, 'invalid')) throw notFound(error.message, { cause: error });
  throw error;
}

/** A kind that the daemon does not have yet holds no object. */
function firstOf(finders: Finder[]): Finder {
  return async (name) => {
    for (const find of finders) {
      try {
        return await find(name);
      } catch (error) {
        if (!isEngineError(error, 'not-found') && !isEngineError(error, 'not-implemented')) throw error;
      }
    }
    throw notFound(`Error: No such object: ${name}`);
  };
}
