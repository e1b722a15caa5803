import type { BenchEngine } from './engines.ts';

/** One figure: `measure` gives one sample for one engine (undefined = does not apply). */
export interface Row {
  name: string;
  unit: 'ms' | '/s' | 'MB/s' | 'MB';
  samples: number;
  /** Of dockerd's figure: what design says we reach, as text. */
  goal: string;
  /** Once per engine, before its first sample. */
  before?(engine: BenchEngine): Promise<void>;
  measure(engine: BenchEngine): Promise<number | undefined>;
  after?(engine: BenchEngine): Promise<void>;
}
