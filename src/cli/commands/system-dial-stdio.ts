import { pipeline } from 'node:stream/promises';
import { errnoCode } from '#errors/errors.ts';
import { defineCommand } from '../command.ts';

/** Ties standard input and output to the daemon's socket: the far side of `-H ssh://`. */
export const command = defineCommand({
  usage: '',
  args: { min: 0, max: 0 },
  flags: {},
  async run({ context }) {
    const socket = await (await context.client()).dial();
    // The end of the input ends the daemon's only; what the daemon still sends goes out before we do.
    pipeline(context.stdin, socket).catch(ignoreEnd);
    await pipeline(socket, context.stdout, { end: false }).catch(ignoreEnd);
    context.stdin.destroy();
    return 0;
  },
});

function ignoreEnd(error: unknown): void {
  const code = errnoCode(error) ?? '';
  if (!['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED'].includes(code)) throw error;
}
