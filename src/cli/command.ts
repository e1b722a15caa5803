import type { Readable, Writable } from 'node:stream';
import type { Client } from '#api/client/client.ts';
import type { FlagTable, ParsedFlags } from './flags/types.ts';

/** What a command works with; nothing in it costs before it is used. */
export interface Context {
  /** The name that the user typed, for messages: `wherry`. */
  program: string;
  env: Record<string, string | undefined>;
  client(): Promise<Client>;
  /** The folder of docker's config.json. */
  configFolder: string;
  /** The name of the context in use (docker's word for a named daemon). */
  contextName(): Promise<string>;
  readonly stdin: Readable & { isTTY?: boolean; setRawMode?(raw: boolean): unknown };
  readonly stdout: Writable & { isTTY?: boolean; columns?: number; rows?: number };
  readonly stderr: Writable & { isTTY?: boolean; columns?: number };
}

export interface Invocation<F extends FlagTable> extends ParsedFlags<F> {
  context: Context;
}

/** How many arguments a command takes; `max` absent = any number. */
export interface ArgumentCount {
  min: number;
  max?: number;
}

export interface Command<F extends FlagTable = FlagTable> {
  /** What follows the command's name in its usage line. */
  usage: string;
  flags: F;
  args: ArgumentCount;
  /** The first argument ends the flags: the rest is the container's command line. */
  stopAtArgument?: boolean;
  /** Gives the exit code; nothing = 0. */
  run(invocation: Invocation<F>): Promise<number | undefined>;
}

/** Ties the type of a command's flags to its `run`. */
export function defineCommand<F extends FlagTable>(command: Command<F>): Command<F> {
  return command;
}

/** Writes a line to standard output, and waits when its reader is slow. */
export async function printLine(context: Context, line: string): Promise<void> {
  await print(context.stdout, `${line}\n`);
}

/** Writes, and waits when the reader is slow. */
export async function print(stream: Writable, text: string | Uint8Array): Promise<void> {
  if (stream.write(text) || stream.destroyed) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      stream.off('drain', done);
      stream.off('close', done);
      resolve();
    };
    stream.once('drain', done);
    stream.once('close', done);
  });
}
