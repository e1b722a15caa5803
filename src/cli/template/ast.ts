/** The tree of a parsed template. `position` is an offset in the text, `source` what an error message shows. */

export type Node =
  | { kind: 'text'; text: string }
  | { kind: 'action'; pipe: Pipe }
  | { kind: 'if' | 'with' | 'range'; pipe: Pipe; body: Node[]; otherwise: Node[] }
  | { kind: 'break' | 'continue' };

export interface Pipe {
  kind: 'pipe';
  position: number;
  source: string;
  /** Variables that the pipeline's value is given to: one, or two in a range. */
  variables: string[];
  /** `$x := ...` makes a variable, `$x = ...` changes one. */
  declares: boolean;
  commands: Command[];
}

/** A function, method or value with its arguments. */
export interface Command {
  position: number;
  source: string;
  operands: [Operand, ...Operand[]];
}

export type Operand = { position: number; source: string } & (
  | { kind: 'dot' }
  | { kind: 'nil' }
  | { kind: 'function'; name: string }
  /** `.A.B` of dot. */
  | { kind: 'field'; names: string[] }
  | { kind: 'variable'; name: string; names: string[] }
  /** `(pipeline).A.B` */
  | { kind: 'chain'; base: Operand; names: string[] }
  | { kind: 'constant'; value: string | number | bigint | boolean }
  | Pipe
);
