import { type FileHandle, open, readFile, rename } from 'node:fs/promises';
import type { EventMessage } from '#api/types/event.ts';
import { errnoCode } from '#errors/errors.ts';
import { parseExact, stringifyExact } from '#lib/json.ts';

/**
 * The newest events in a file, a line of JSON each, so that the next engine can tell of them. They are written at once
 * and never synced: an engine that is killed loses none that it had told, a machine without power all.
 */
export class EventJournal {
  readonly #path: string;
  readonly #limit: number;
  readonly #onFailure: (error: unknown) => void;
  /** What a file that is written anew has to hold. */
  readonly #kept: EventMessage[];
  #file: FileHandle;
  #lines: number;
  #pending: EventMessage[] = [];
  #writing: Promise<void> | undefined;

  private constructor(path: string, file: FileHandle, kept: EventMessage[], options: JournalOptions) {
    this.#path = path;
    this.#file = file;
    this.#kept = kept.slice(-options.limit);
    this.#lines = kept.length;
    this.#limit = options.limit;
    this.#onFailure = options.onFailure;
  }

  /** Opens the journal, which need not be there yet. A line that a killed engine has not finished is left out. */
  static async open(path: string, options: JournalOptions): Promise<EventJournal> {
    const events = parseLines(await readFile(path, 'utf8').catch(orNothing));
    const journal = new EventJournal(path, await open(path, 'a', 0o600), events, options);
    await journal.#writeAnew();
    return journal;
  }

  /** The newest events, oldest first. */
  get events(): readonly EventMessage[] {
    return this.#kept;
  }

  append(event: EventMessage): void {
    this.#kept.push(event);
    if (this.#kept.length > this.#limit) this.#kept.shift();
    this.#pending.push(event);
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }

  async #write(): Promise<void> {
    try {
      while (this.#pending.length > 0) {
        const events = this.#pending.splice(0);
        this.#lines += events.length;
        if (this.#lines > 2 * this.#limit) await this.#writeAnew();
        else await this.#file.appendFile(textOf(events));
      }
    } catch (error) {
      this.#onFailure(error);
    }
  }

  /** What is in `#kept` by now is all that has to be there. */
  async #writeAnew(): Promise<void> {
    this.#pending = [];
    const draft = `${this.#path}.new`;
    const file = await open(draft, 'w', 0o600);
    const kept = this.#kept.slice();
    await file.appendFile(textOf(kept));
    await rename(draft, this.#path);
    await this.#file.close();
    this.#file = file;
    this.#lines = kept.length;
  }
}

export interface JournalOptions {
  /** How many events are worth keeping; the file has up to twice as many. */
  limit: number;
  /** Nothing could be written; later events are tried again. */
  onFailure(error: unknown): void;
}

const textOf = (events: readonly EventMessage[]) => events.map((event) => `${stringifyExact(event)}\n`).join('');

function parseLines(text: string): EventMessage[] {
  const lines = text.split('\n').slice(0, -1);
  return lines.flatMap((line) => {
    try {
      const event = parseExact(line) as EventMessage;
      return typeof event.Action === 'string' && event.timeNano ? [{ ...event, timeNano: BigInt(event.timeNano) }] : [];
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return [];
    }
  });
}

function orNothing(error: unknown): string {
  if (errnoCode(error) !== 'ENOENT') throw error;
  return '';
}
