import { evaluate } from './evaluate.ts';
import { builtinFunctions, dockerFunctions, functionNames, type TemplateFunction } from './functions.ts';
import { parse } from './parser.ts';
import type { Value } from './values.ts';

export interface Template {
  /** @throws TemplateError when the template does not fit the data. */
  execute(data: Value): string;
}

export interface TemplateOptions {
  /** A key that a map has not is an error; else it has no value. */
  strictMaps?: boolean;
  /** Functions in place of docker's own. */
  functions?: Record<string, TemplateFunction>;
}

/**
 * Compiles a `--format` template: Go's text/template without named templates, with docker's functions.
 *
 * @throws TemplateError when the text is not a template.
 */
export function compileTemplate(text: string, options: TemplateOptions = {}): Template {
  const nodes = parse(text, functionNames);
  const functions = { ...builtinFunctions, ...dockerFunctions, ...options.functions };
  return { execute: (data) => evaluate(nodes, text, data, { functions, strictMaps: options.strictMaps }) };
}
