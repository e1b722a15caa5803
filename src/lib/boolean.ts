const TRUTHS = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const UNTRUTHS = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);

/** The texts that Go's strconv.ParseBool takes; undefined for any other. */
export function parseBoolean(text: string): boolean | undefined {
  if (TRUTHS.has(text)) return true;
  return UNTRUTHS.has(text) ? false : undefined;
}
