/** A template that cannot be parsed or that does not fit its data; the message is in the words of Go's text/template. */
export class TemplateError extends Error {
  readonly phase: 'parse' | 'execute';

  constructor(phase: 'parse' | 'execute', message: string) {
    super(message);
    this.name = 'TemplateError';
    this.phase = phase;
  }
}

/** A fault in one line of the text: `template: :1: unclosed action`. */
export function parseError(text: string, position: number, message: string): TemplateError {
  return new TemplateError('parse', `template: :${lineOf(text, position)}: ${message}`);
}

/** A fault at one node: `template: :1:2: executing "" at <.Foo>: ...`. */
export function executeError(text: string, position: number, source: string, message: string): TemplateError {
  const column = Buffer.byteLength(text.slice(text.lastIndexOf('\n', position - 1) + 1, position));
  const shown = source.length > 20 ? `${source.slice(0, 20)}...` : source;
  return new TemplateError(
    'execute',
    `template: :${lineOf(text, position)}:${column}: executing "" at <${shown}>: ${message}`,
  );
}

function lineOf(text: string, position: number): number {
  return text.slice(0, position).split('\n').length;
}
