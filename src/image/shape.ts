import { invalid } from '#errors/errors.ts';

/**
 * Reads fields of JSON that came from elsewhere. `null` and absent are the same, as in Go; a value of another type is
 * refused as `invalid`, naming `where` it stands. Integers beyond 2^53 - 1 are bigints.
 */
export type JsonObject = Readonly<Record<string, unknown>>;

function refuse(where: string, wanted: string, value: unknown): Error {
  if (value === undefined) return invalid(`${where} is missing`, { code: 'IMAGE_INVALID' });
  const types: Record<string, string> = { object: 'an object', string: 'a text', boolean: 'true or false' };
  const found = Array.isArray(value) ? 'a list' : value === null ? 'null' : (types[typeof value] ?? 'a number');
  return invalid(`${where} is ${found}, not ${wanted}`, { code: 'IMAGE_INVALID' });
}

export function optionalObject(value: unknown, where: string): JsonObject | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) throw refuse(where, 'an object', value);
  return value as JsonObject;
}

export function requiredObject(value: unknown, where: string): JsonObject {
  const object = optionalObject(value, where);
  if (!object) throw refuse(where, 'an object', value);
  return object;
}

export function optionalText(value: unknown, where: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw refuse(where, 'a text', value);
  return value;
}

export function optionalBoolean(value: unknown, where: string): boolean | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'boolean') throw refuse(where, 'true or false', value);
  return value;
}

export function optionalInteger(value: unknown, where: string): number | bigint | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) throw refuse(where, 'a whole number', value);
  return value as number | bigint;
}

export function optionalList<T>(
  value: unknown,
  where: string,
  read: (item: unknown, where: string) => T,
): T[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw refuse(where, 'a list', value);
  return value.map((item, index) => read(item, `${where}[${index}]`));
}

export function optionalTexts(value: unknown, where: string): string[] | undefined {
  return optionalList(value, where, (item, at) => optionalText(item, at) ?? '');
}

export function optionalTextMap(value: unknown, where: string): Record<string, string> | undefined {
  const object = optionalObject(value, where);
  if (!object) return undefined;
  return Object.fromEntries(
    Object.entries(object).map(([key, item]) => [key, optionalText(item, `${where}.${key}`) ?? '']),
  );
}

/** The keys of `{"80/tcp": {}}`, whatever the values are. */
export function optionalSet(value: unknown, where: string): Record<string, Record<string, never>> | undefined {
  const object = optionalObject(value, where);
  return object && Object.fromEntries(Object.keys(object).map((key) => [key, {}]));
}
