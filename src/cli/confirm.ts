import { type Context, print } from './command.ts';

/** Prints a warning and asks whether to go on; only `y` says yes, the end of the input says no. */
export async function confirm({ stdin, stdout }: Context, warning: string): Promise<boolean> {
  await print(stdout, `${warning}\nAre you sure you want to continue? [y/N] `);
  let answer = '';
  for await (const chunk of stdin) {
    answer += String(chunk);
    if (answer.includes('\n')) break;
  }
  return answer.split('\n')[0]!.trim().toLowerCase() === 'y';
}
