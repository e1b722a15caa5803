/** Marks that are drawn over the character before them. */
const zeroWidth = /[\p{M}\p{Cf}]/u;
/** East Asian wide characters and pictographs take two columns. */
const doubleWidth =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|[\u{20000}-\u{3fffd}]/u;
const plain = /^[\x20-\x7e]*$/;

/** How many columns of a terminal the text takes. */
export function displayWidth(text: string): number {
  if (plain.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += zeroWidth.test(character) ? 0 : doubleWidth.test(character) ? 2 : 1;
  return width;
}

/** At most `columns` columns, the last of them an ellipsis when something is left out. */
export function ellipsis(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let shown = '';
  let width = 0;
  for (const character of text) {
    width += displayWidth(character);
    if (width > columns - 1) break;
    shown += character;
  }
  return `${shown}…`;
}
