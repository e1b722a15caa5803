/**
 * The words of a command line: the text is split at white space, each value is one word, or part of the word that it
 * touches, whatever it contains; an array is so many words.
 */
export function words(texts: TemplateStringsArray, ...values: (string | number | readonly string[])[]): string[] {
  const found: string[] = [];
  let open = false;
  const append = (text: string) => {
    if (open) found.push((found.pop() ?? '') + text);
    else found.push(text);
    open = true;
  };
  texts.forEach((text, index) => {
    for (const part of text.split(/(\s+)/)) {
      if (/^\s/.test(part)) open = false;
      else if (part !== '') append(part);
    }
    const value = values[index];
    if (Array.isArray(value)) found.push(...value);
    else if (value !== undefined) append(String(value));
  });
  return found;
}
