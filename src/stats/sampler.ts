import { OpenFiles, type ReadText } from './open-files.ts';
import { emptySample, type Sample } from './sample.ts';

/** Milliseconds between two samples of a container, as Docker's. */
const INTERVAL = 1000;

/** Something that can be read: whoever names the same `id` shares its samples. */
export interface Subject {
  id: string;
  /** Undefined = it does not run just now. Files that are read through `read` stay open between samples. */
  sample(read: ReadText): Promise<Sample | undefined>;
  /** Resolves when there will never be another sample; nothing is kept of it once `signal` has aborted. */
  gone(signal: AbortSignal): Promise<unknown>;
  /** A sample could not be taken; readers get an empty one. */
  failed(error: unknown): void;
}

/** Takes samples of what is read, one at a time for all its readers. */
export class Sampler {
  readonly #feeds = new Map<string, Feed>();

  /** What is being read just now. */
  get active(): number {
    return this.#feeds.size;
  }

  /**
   * The samples of `subject`, the first one as soon as it is taken, until it is gone or `signal` aborts. A reader that is
   * behind misses those in between.
   */
  async *read(subject: Subject, signal: AbortSignal): AsyncGenerator<Sample, void, void> {
    if (signal.aborted) return;
    const feed = this.#join(subject);
    const reader = feed.addReader();
    signal.addEventListener('abort', reader.end);
    try {
      for (let sample = await reader.next(); sample; sample = await reader.next()) yield sample;
    } finally {
      signal.removeEventListener('abort', reader.end);
      reader.end();
      if (feed.leave(reader) && this.#feeds.get(subject.id) === feed) this.#feeds.delete(subject.id);
    }
  }

  #join(subject: Subject): Feed {
    let feed = this.#feeds.get(subject.id);
    if (!feed?.open) {
      feed = new Feed(subject);
      this.#feeds.set(subject.id, feed);
    }
    return feed;
  }
}

/** The samples of one subject while it has readers. */
class Feed {
  readonly #subject: Subject;
  readonly #readers = new Set<Reader>();
  readonly #files = new OpenFiles();
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(subject: Subject) {
    this.#subject = subject;
    void subject.gone(this.#stop.signal).then(() => this.#end());
    void this.#tick();
  }

  get open(): boolean {
    return !this.#stop.signal.aborted;
  }

  addReader(): Reader {
    const reader = new Reader();
    this.#readers.add(reader);
    return reader;
  }

  /** Gives true when that was the last reader: nothing is sampled any more. */
  leave(reader: Reader): boolean {
    this.#readers.delete(reader);
    if (this.#readers.size > 0) return false;
    this.#end();
    return true;
  }

  async #tick(): Promise<void> {
    const started = performance.now();
    const sample = await this.#sample();
    if (!this.open) return;
    for (const reader of this.#readers) reader.give(sample);
    this.#timer = setTimeout(() => void this.#tick(), Math.max(0, INTERVAL - (performance.now() - started)));
  }

  async #sample(): Promise<Sample> {
    try {
      return (await this.#subject.sample(this.#files.read)) ?? emptySample();
    } catch (error) {
      this.#subject.failed(error);
      return emptySample();
    }
  }

  #end(): void {
    if (!this.open) return;
    this.#stop.abort();
    clearTimeout(this.#timer);
    for (const reader of this.#readers) reader.end();
    this.#files.close();
  }
}

/** One reader's place: the newest sample that it has not taken. */
class Reader {
  #sample: Sample | undefined;
  #ended = false;
  #wake: (() => void) | undefined;

  give(sample: Sample): void {
    this.#sample = sample;
    this.#wake?.();
  }

  readonly end = (): void => {
    this.#ended = true;
    this.#wake?.();
  };

  /** Undefined at the end. */
  async next(): Promise<Sample | undefined> {
    if (!this.#sample && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    const sample = this.#ended ? undefined : this.#sample;
    this.#sample = undefined;
    return sample;
  }
}
