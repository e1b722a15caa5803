import { type Context, print } from './command.ts';
import { CommandError } from './errors.ts';

/** Asks a question on the terminal and gives the line that is typed. */
export function askLine(context: Context, question: string): Promise<string> {
  return ask(context, question, (byte, text) => (byte === 0x0a || byte === 0x0d ? text : undefined));
}

/** The same for a secret: what is typed is not shown. */
export async function askSecret(context: Context, question: string): Promise<string> {
  const { stdin, stdout } = context;
  stdin.setRawMode?.(true);
  try {
    return await ask(context, question, (byte, text) => {
      if (byte === 0x03) throw new CommandError('', { exitCode: 130 });
      return byte === 0x0a || byte === 0x0d || byte === 0x04 ? text : undefined;
    });
  } finally {
    stdin.setRawMode?.(false);
    await print(stdout, '\n');
  }
}

/** Reads byte by byte until `end` gives the answer; what was typed beyond it is for the next question. */
async function ask(
  { stdin, stdout }: Context,
  question: string,
  end: (byte: number, text: string) => string | undefined,
): Promise<string> {
  await print(stdout, question);
  const typed: number[] = [];
  for (;;) {
    const piece: Buffer | null = stdin.read() as Buffer | null;
    if (piece === null) {
      if (stdin.readableEnded || stdin.destroyed) return Buffer.from(typed).toString();
      await new Promise<void>((resolve) => {
        const wake = () => {
          for (const event of ['readable', 'end', 'close']) stdin.off(event, wake);
          resolve();
        };
        for (const event of ['readable', 'end', 'close']) stdin.once(event, wake);
      });
      continue;
    }
    const bytes = Buffer.from(piece);
    for (const [at, byte] of bytes.entries()) {
      const answer = end(byte, Buffer.from(typed).toString());
      if (answer !== undefined) {
        if (at + 1 < bytes.length) stdin.unshift(bytes.subarray(at + 1));
        return answer;
      }
      if (byte === 0x7f || byte === 0x08) typed.pop();
      else typed.push(byte);
    }
  }
}
