/** A 64-bit integer of the wire: a number, or a bigint beyond 2^53 - 1, where a number would lose digits. */
export type Int64 = number | bigint;

/** RFC 3339 with up to nine digits of a second; `ZERO_TIME` of lib/time.ts is "has not happened". */
export type Timestamp = string;

/** A set, as Go writes it: the keys count. */
export type StringSet = Record<string, Record<string, never>>;
