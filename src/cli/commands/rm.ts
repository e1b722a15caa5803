import { removeContainer } from '#api/client/containers.ts';
import { isEngineError } from '#errors/errors.ts';
import { defineCommand, print } from '../command.ts';
import { forEach } from '../each.ts';
import { CommandError } from '../errors.ts';
import { failureText } from '../failure.ts';
import { flag } from '../flags/types.ts';
import { bool } from '../flags/values.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  args: { min: 1 },
  flags: {
    force: flag(bool, 'Kill the container first when it runs', { short: 'f' }),
    link: flag(bool, 'Remove the link of this name', { short: 'l' }),
    volumes: flag(bool, 'Remove its anonymous volumes too', { short: 'v' }),
  },
  async run({ context, values, args }) {
    const client = await context.client();
    const query = { force: values.force, link: values.link, v: values.volumes };
    return forEach(context, args, async (given) => {
      const name = given.replace(/^\/+|\/+$/g, '');
      if (name === '') throw new CommandError('Container name cannot be empty');
      try {
        await removeContainer(client, name, query);
        return given;
      } catch (error) {
        if (!values.force || !isEngineError(error, 'not-found')) throw error;
        await print(context.stderr, `${failureText(error, context.program)}\n`);
        return undefined;
      }
    });
  },
});
