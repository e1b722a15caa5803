import { invalid } from '#errors/errors.ts';

/**
 * The texts of the JSON values that follow each other in a stream, with any white space (or none) between them, as the
 * daemon sends progress and events. Each value comes out as soon as its last byte is there.
 *
 * @throws EngineError `invalid` when the stream ends inside a value or holds more than `limit` bytes of one.
 */
export async function* jsonTexts(input: AsyncIterable<Buffer>, limit = 64 << 20): AsyncGenerator<string> {
  let rest = '';
  let scanner = newScanner();
  const decoder = new TextDecoder();
  for await (const piece of input) {
    let text = rest + decoder.decode(piece, { stream: true });
    for (let end = scan(scanner, text); end > 0; end = scan(scanner, text)) {
      yield text.slice(0, end).trim();
      text = text.slice(end);
      scanner = newScanner();
    }
    if (text.length > limit) throw invalid(`the daemon sent a JSON value of more than ${limit} bytes`);
    rest = text;
  }
  if (rest.trim() !== '') throw invalid('the stream of the daemon ended in the middle of a JSON value');
}

/** {@link jsonTexts}, parsed. */
export async function* jsonObjects<T>(input: AsyncIterable<Buffer>): AsyncGenerator<T> {
  for await (const text of jsonTexts(input)) yield JSON.parse(text) as T;
}

interface Scanner {
  position: number;
  depth: number;
  inString: boolean;
}

const newScanner = (): Scanner => ({ position: 0, depth: 0, inString: false });

/** Goes on through `text` from where it stopped; gives the end of the first whole object or array, or 0. */
function scan(scanner: Scanner, text: string): number {
  for (; scanner.position < text.length; scanner.position++) {
    const char = text[scanner.position];
    if (scanner.inString) {
      if (char === '\\') scanner.position++;
      else if (char === '"') scanner.inString = false;
    } else if (char === '"') scanner.inString = true;
    else if (char === '{' || char === '[') scanner.depth++;
    else if ((char === '}' || char === ']') && --scanner.depth <= 0) return scanner.position + 1;
  }
  return 0;
}
