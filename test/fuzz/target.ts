import type fc from 'fast-check';

/** Something that takes input which nobody has checked. */
export interface FuzzTarget<T = unknown> {
  name: string;
  /** Cases in `make test`. */
  quick: number;
  open(): Promise<FuzzBench<T>>;
}

export interface FuzzBench<T = unknown> {
  input: fc.Arbitrary<T>;
  /** Throws when the input was not taken as it should be. */
  check(input: T): void | Promise<void>;
  /** An input as files, for those who look into a failure, and for the corpus. */
  files?: { write(input: T): Buffer[]; read(files: Buffer[]): T };
  /** Throws when something is left, or a sanitizer complained. */
  close(): Promise<void>;
}

/** `files` of inputs that are bytes. */
export const oneFile = { write: (bytes: Buffer) => [bytes], read: ([bytes]: Buffer[]) => bytes ?? Buffer.alloc(0) };

/** With its type forgotten, for a list of targets. */
export function fuzzTarget<T>(target: FuzzTarget<T>): FuzzTarget {
  return target as FuzzTarget<never> as FuzzTarget;
}
