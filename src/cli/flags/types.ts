/** What a flag takes. `set` is called once for each time the flag is given. */
export interface ValueType<T> {
  /** Shown in the help; empty for a flag without a value. */
  name: string;
  initial: T;
  /** The value after one more `text`. Throws an Error whose message says what is wrong with the text. */
  set(previous: T, text: string): T;
  /** The text that a flag given without `=value` stands for; absent = the next argument is its value. */
  implied?: string;
}

export interface Flag<T> {
  type: ValueType<T>;
  short?: string;
  help: string;
  /** The value when the flag is not given; absent = the type's `initial`. */
  initial?: T;
  /** Accepted but not shown: an old name or one for another platform. */
  hidden?: boolean;
  /** The flag that this one is another name of. */
  aliasOf?: string;
}

// biome-ignore lint/suspicious/noExplicitAny: a table holds flags of every type
export type FlagTable = Record<string, Flag<any>>;

/** The values that a command gets: one for every flag of its table. */
export type FlagValues<F extends FlagTable> = { [K in keyof F]: F[K] extends Flag<infer T> ? T : never };

export interface ParsedFlags<F extends FlagTable> {
  values: FlagValues<F>;
  /** The flags that were given. */
  given: ReadonlySet<keyof F & string>;
  args: string[];
}

export interface FlagOptions<T> {
  short?: string;
  initial?: T;
  hidden?: boolean;
}

/** Declares a flag. */
export function flag<T>(type: ValueType<T>, help: string, options: FlagOptions<T> = {}): Flag<T> {
  return { type, help, ...options };
}

/** Declares another, hidden name of the flag `aliasOf` of the same table. */
export function alias<T>(type: ValueType<T>, aliasOf: string): Flag<T> {
  return { type, aliasOf, help: '', hidden: true };
}
