import { CommandError } from '../errors.ts';
import { goJson } from '../template/json.ts';
import { compileTemplate } from '../template/template.ts';
import { TemplateError } from '../template/template-error.ts';
import { asMaps, asStruct } from './go-values.ts';

export interface ObjectFormatOptions {
  /** The object is only what it is; there is no second try with raw JSON. */
  typed?: boolean;
}

/**
 * One object of the API through `--format`: `json`, or a template over the object's struct and, where that has no such
 * field, over its raw JSON. Gives the text without a newline at its end.
 *
 * @throws CommandError `template parsing error: ...` (exit code 64 for a text that is no template, as docker's).
 */
export function formatObject(json: unknown, format: string, options: ObjectFormatOptions = {}): string {
  if (format === 'json') return goJson(asPlain(json));
  try {
    const template = compileTemplate(format);
    try {
      return template.execute(asStruct(json));
    } catch (error) {
      if (options.typed || !(error instanceof TemplateError)) throw error;
      return compileTemplate(format, { strictMaps: true }).execute(asMaps(json));
    }
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new CommandError(`template parsing error: ${error.message}`, { exitCode: error.phase === 'parse' ? 64 : 1 });
  }
}

/** Without what is undefined, which JSON has no word for. */
function asPlain(json: unknown): unknown {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return json;
  return Object.fromEntries(Object.entries(json).filter(([, value]) => value !== undefined));
}
