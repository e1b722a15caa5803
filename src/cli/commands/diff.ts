import { containerChanges } from '#api/client/container-files.ts';
import { defineCommand, print } from '../command.ts';

/** By the API's number of a change. */
const LETTERS = ['C', 'A', 'D'];

export const command = defineCommand({
  usage: 'CONTAINER',
  args: { min: 1, max: 1 },
  flags: {},
  async run({ context, args: [container = ''] }) {
    const changes = await containerChanges(await context.client(), container);
    await print(context.stdout, changes.map(({ Kind, Path }) => `${LETTERS[Kind]} ${Path}\n`).join(''));
    return 0;
  },
});
