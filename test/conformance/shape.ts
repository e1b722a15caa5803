/** The kinds of values in a JSON document, without the values. */

/** `Config.Env[]` -> `text`, `null`, `[]`, `{}`, `number`, `boolean`. Keys of maps that `isMap` knows count as one, `*`. */
export function shapeOf(value: unknown, isMap: (path: string) => boolean): Map<string, string> {
  const shape = new Map<string, string>();
  add(shape, '', value, isMap);
  return shape;
}

function add(shape: Map<string, string>, path: string, value: unknown, isMap: (path: string) => boolean): void {
  if (value === null || typeof value !== 'object') {
    shape.set(path, value === null ? 'null' : typeof value);
    return;
  }
  const entries = Array.isArray(value) ? value.map((item) => ['', item] as const) : Object.entries(value);
  if (entries.length === 0) shape.set(path, Array.isArray(value) ? '[]' : '{}');
  for (const [key, item] of entries) {
    const step = Array.isArray(value) ? '[]' : `${path === '' ? '' : '.'}${isMap(path) ? '*' : key}`;
    add(shape, `${path}${step}`, item, isMap);
  }
}

/** What differs, one line each: `State.Health: theirs absent, ours null`. */
export function differences(theirs: ReadonlyMap<string, string>, ours: ReadonlyMap<string, string>): string[] {
  const paths = new Set([...theirs.keys(), ...ours.keys()]);
  return [...paths]
    .filter((path) => theirs.get(path) !== ours.get(path))
    .map((path) => `${path}: ${theirs.get(path) ?? 'absent'} there, ${ours.get(path) ?? 'absent'} here`);
}
