import { type Context, print, printLine } from './command.ts';
import { failureText } from './failure.ts';

/**
 * Does the same to every name, all at once, and prints each name (or what `operation` gives) in the given order. A failure
 * goes to standard error and does not keep the others. Gives the exit code: 1 when any failed.
 */
export async function forEach(
  context: Context,
  names: string[],
  operation: (name: string) => Promise<string | undefined>,
): Promise<number> {
  const results = names.map((name) => operation(name).catch((error: unknown) => ({ error })));
  let exitCode = 0;
  for (const result of results) {
    const outcome = await result;
    if (typeof outcome === 'object') {
      exitCode = 1;
      await print(context.stderr, `${failureText(outcome.error, context.program)}\n`);
    } else if (outcome !== undefined && outcome !== '') {
      await printLine(context, outcome);
    }
  }
  return exitCode;
}
