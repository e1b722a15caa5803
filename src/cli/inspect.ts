import { isEngineError } from '#errors/errors.ts';
import { parseExact } from '#lib/json.ts';
import { type Context, print } from './command.ts';
import { failureText } from './failure.ts';
import { indentJson } from './format/json-text.ts';

/** Gives the JSON of the object of this name; rejects with `not-found` when there is none. */
export type Finder = (name: string) => Promise<string>;

/**
 * Prints the objects of all names: one indented array without a format, one line each with a template. What is not there
 * is said on standard error, after the others; the exit code is then 1.
 */
export async function inspectAll(context: Context, names: string[], format: string, find: Finder): Promise<number> {
  const texts: string[] = [];
  const failures: string[] = [];
  const show = format === '' || format === 'json' ? undefined : await templateOf(format);
  for (const name of names) {
    try {
      const text = (await find(name)).trim();
      texts.push(show ? show(text) : text);
    } catch (error) {
      failures.push(failureText(error, context.program));
      if (!isEngineError(error, 'not-found')) break;
    }
  }
  await print(context.stdout, show ? `${texts.join('\n')}\n` : wholeArray(texts, format));
  if (failures.length > 0) await print(context.stderr, `${failures.join('\n')}\n`);
  return failures.length > 0 ? 1 : 0;
}

async function templateOf(format: string): Promise<(text: string) => string> {
  const { objectFormatter } = await import('./format/object.ts');
  const show = objectFormatter(format);
  return (text) => show(parseExact(text));
}

function wholeArray(texts: string[], format: string): string {
  const array = `[${texts.join(',')}]`;
  return `${format === 'json' ? array : indentJson(array)}\n`;
}
