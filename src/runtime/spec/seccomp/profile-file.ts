import { describe, invalid } from '#errors/errors.ts';
import { parseExact } from '#lib/json.ts';
import type { OciSyscallArgument } from '../oci.ts';

/** A seccomp profile as users write it (Docker's JSON form). */
export interface ProfileFile {
  defaultAction: string;
  defaultErrnoRet?: number | null;
  architectures?: string[] | null;
  archMap?: { architecture: string; subArchitectures?: string[] | null }[] | null;
  flags?: string[] | null;
  listenerPath?: string | null;
  listenerMetadata?: string | null;
  syscalls?: ProfileRule[] | null;
}

export interface ProfileRule {
  name?: string | null;
  names?: string[] | null;
  action: string;
  errnoRet?: number | null;
  args?: OciSyscallArgument[] | null;
  includes?: RuleFilter | null;
  excludes?: RuleFilter | null;
}

export interface RuleFilter {
  caps?: string[] | null;
  arches?: string[] | null;
  minKernel?: string | null;
}

/** Reads and checks the text. Throws `invalid` that begins as Docker's message does and names what is wrong. */
export function parseProfile(json: string): ProfileFile {
  const fail = (why: string, cause?: unknown) =>
    invalid(`Decoding seccomp profile failed: ${why}`, {
      hint: 'The API takes the profile itself, not the name of a file; clients read the file.',
      cause,
    });
  let parsed: unknown;
  try {
    parsed = parseExact(json);
  } catch (cause) {
    throw fail(describe(cause), cause);
  }
  const problem = profile(parsed, 'the profile');
  if (problem) throw fail(problem);
  return parsed as ProfileFile;
}

/** Says what is wrong with a value at a place; undefined when nothing is. */
type Check = (value: unknown, place: string) => string | undefined;

const text: Check = (value, place) => (typeof value === 'string' ? undefined : `${place} is not a string`);

const number: Check = (value, place) =>
  (typeof value === 'number' && Number.isInteger(value)) || typeof value === 'bigint'
    ? undefined
    : `${place} is not an integer`;

const optional =
  (check: Check): Check =>
  (value, place) =>
    value === undefined || value === null ? undefined : check(value, place);

const list =
  (check: Check): Check =>
  (value, place) =>
    Array.isArray(value)
      ? first(value.map((item, index) => check(item, `${place}[${index}]`)))
      : `${place} is not a list`;

const object =
  (members: Record<string, Check>): Check =>
  (value, place) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return `${place} is not an object`;
    const fields = value as Record<string, unknown>;
    return first(Object.entries(members).map(([name, check]) => check(fields[name], `${name} of ${place}`)));
  };

function first(problems: (string | undefined)[]): string | undefined {
  return problems.find((problem) => problem !== undefined);
}

const texts = optional(list(text));
const filter = optional(object({ caps: texts, arches: texts, minKernel: optional(text) }));
const argument = object({ index: number, value: number, valueTwo: optional(number), op: text });

const rule = object({
  name: optional(text),
  names: texts,
  action: text,
  errnoRet: optional(number),
  args: optional(list(argument)),
  includes: filter,
  excludes: filter,
});

const profile = object({
  defaultAction: text,
  defaultErrnoRet: optional(number),
  architectures: texts,
  archMap: optional(list(object({ architecture: text, subArchitectures: texts }))),
  flags: texts,
  listenerPath: optional(text),
  listenerMetadata: optional(text),
  syscalls: optional(list(rule)),
});
