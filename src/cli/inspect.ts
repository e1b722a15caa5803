import { isEngineError } from '#errors/errors.ts';
import { type Context, print } from './command.ts';
import { failureText } from './failure.ts';
import { indentJson, parseExactJson } from './format/exact-json.ts';

/** Gives the JSON of the object of this name; rejects with `not-found` when there is none. */
export type Finder = (name: string) => Promise<string>;

/**
 * Prints the objects of all names: one indented array without a format, one line each with a template. What is not there
 * is said on standard error, after the others; the exit code is then 1.
 */
export async function inspectAll(context: Context, names: string[], format: string, find: Finder): Promise<number> {
  const texts: string[] = [];
  const failures: string[] = [];
  for (const name of names) {
    try {
      const text = (await find(name)).trim();
      if (format === '' || format === 'json') texts.push(text);
      else {
        const { formatObject } = await import('./format/object.ts');
        await print(context.stdout, `${formatObject(parseExactJson(text), format)}\n`);
      }
    } catch (error) {
      if (!isEngineError(error)) throw error;
      failures.push(failureText(error, context.program));
      if (!isEngineError(error, 'not-found')) break;
    }
  }
  if (format === '') await print(context.stdout, `${indentJson(`[${texts.join(',')}]`)}\n`);
  else if (format === 'json') await print(context.stdout, `[${texts.join(',')}]\n`);
  else if (failures.length === names.length) await print(context.stdout, '\n');
  if (failures.length > 0) await print(context.stderr, `${failures.join('\n')}\n`);
  return failures.length > 0 ? 1 : 0;
}
