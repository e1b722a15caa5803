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
 * Makes the text of one object of the API by `--format`: `json`, or a template over the object's struct and, where that has
 * no such field, over its raw JSON.
 *
 * @throws CommandError `template parsing error: ...`; exit code 64 at once for a text that is no template, as docker's, and
 * 1 from the result for an object that it does not fit.
 */
export function objectFormatter(format: string, options: ObjectFormatOptions = {}): (json: unknown) => string {
  if (format === 'json') return (json) => goJson(withoutUndefined(json));
  const typed = refusing(() => compileTemplate(format));
  return (json) =>
    refusing(() => {
      try {
        return typed.execute(asStruct(json));
      } catch (error) {
        if (options.typed || !(error instanceof TemplateError)) throw error;
        return compileTemplate(format, { strictMaps: true }).execute(asMaps(json));
      }
    });
}

function refusing<T>(step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new CommandError(`template parsing error: ${error.message}`, { exitCode: error.phase === 'parse' ? 64 : 1 });
  }
}

/** JSON has no word for undefined. */
function withoutUndefined(json: unknown): unknown {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return json;
  return Object.fromEntries(Object.entries(json).filter(([, value]) => value !== undefined));
}
