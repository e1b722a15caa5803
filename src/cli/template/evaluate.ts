import type { Command, Node, Operand, Pipe } from './ast.ts';
import { arity, type TemplateFunction, WrongType } from './functions.ts';
import { executeError } from './template-error.ts';
import { isTrue, Nil, nilPointer, print, sortedKeys, typeName, type Value } from './values.ts';

export interface EvaluateOptions {
  functions: Readonly<Record<string, TemplateFunction>>;
  /** A key that a map has not is an error; else it has no value. */
  strictMaps?: boolean;
}

interface State extends EvaluateOptions {
  text: string;
  root: Value;
  variables: { name: string; value: Value }[];
  output: string[];
}

/** What stands for "no argument was piped in". */
const absent = Symbol('absent');

/** Runs the template over `data`. Throws TemplateError at the first node that does not fit. */
export function evaluate(nodes: Node[], text: string, data: Value, options: EvaluateOptions): string {
  const state: State = { ...options, text, root: data, variables: [{ name: '$', value: data }], output: [] };
  walk(state, data, nodes);
  return state.output.join('');
}

type Flow = 'break' | 'continue' | undefined;

function walk(state: State, dot: Value, nodes: Node[]): Flow {
  for (const node of nodes) {
    const flow = step(state, dot, node);
    if (flow) return flow;
  }
  return undefined;
}

function step(state: State, dot: Value, node: Node): Flow {
  switch (node.kind) {
    case 'text':
      state.output.push(node.text);
      return undefined;
    case 'action': {
      const value = evaluatePipe(state, dot, node.pipe);
      if (node.pipe.variables.length === 0) state.output.push(print(value));
      return undefined;
    }
    case 'if':
    case 'with':
      return scoped(state, () => {
        const value = evaluatePipe(state, dot, node.pipe);
        const inner = node.kind === 'with' ? value : dot;
        return isTrue(value) ? walk(state, inner, node.body) : walk(state, dot, node.otherwise);
      });
    case 'range':
      return scoped(state, () => walkRange(state, dot, node));
    default:
      return node.kind;
  }
}

function scoped(state: State, body: () => Flow): Flow {
  const depth = state.variables.length;
  const flow = body();
  state.variables.length = depth;
  return flow;
}

function walkRange(state: State, dot: Value, node: Extract<Node, { body: Node[] }>): Flow {
  const { variables } = node.pipe;
  const collection = evaluatePipe(state, dot, { ...node.pipe, variables: [] });
  const entries = entriesOf(state, node.pipe, collection);
  if (entries.length === 0) return walk(state, dot, node.otherwise);
  for (const [key, value] of entries) {
    const depth = state.variables.length;
    const [first, second] = variables;
    if (first !== undefined) setVariable(state, node.pipe, first, second === undefined ? value : key);
    if (second !== undefined) setVariable(state, node.pipe, second, value);
    const flow = walk(state, value, node.body);
    state.variables.length = depth;
    if (flow === 'break') break;
  }
  return undefined;
}

function entriesOf(state: State, pipe: Pipe, collection: Value): [Value, Value][] {
  if (collection === undefined || collection === null || collection instanceof Nil) return [];
  if (Array.isArray(collection)) return collection.map((value, index) => [index, value]);
  if (collection instanceof Map) return sortedKeys(collection).map((key) => [key, collection.get(key)]);
  if (typeof collection === 'number' && Number.isInteger(collection)) {
    return Array.from({ length: Math.max(0, collection) }, (_, index) => [index, index]);
  }
  throw fault(state, pipe, `range can't iterate over ${print(collection)}`);
}

function setVariable(state: State, pipe: Pipe, name: string, value: Value): void {
  const known = pipe.declares ? undefined : state.variables.findLast((variable) => variable.name === name);
  if (known) known.value = value;
  else state.variables.push({ name, value });
}

function evaluatePipe(state: State, dot: Value, pipe: Pipe): Value {
  let value: Value = absent;
  for (const command of pipe.commands) value = evaluateCommand(state, dot, command, value);
  for (const name of pipe.variables) setVariable(state, pipe, name, value);
  return value;
}

function evaluateCommand(state: State, dot: Value, command: Command, piped: Value): Value {
  const [first, ...operands] = command.operands;
  if (first.kind === 'function') return callFunction(state, dot, first, operands, piped);
  if (first.kind === 'field' || first.kind === 'variable' || first.kind === 'chain') {
    const args = () => argumentsOf(state, dot, operands, piped);
    return evaluatePath(state, dot, first, operands.length > 0 || piped !== absent ? args : undefined);
  }
  if (operands.length > 0 || piped !== absent) {
    throw fault(state, first, `can't give argument to non-function ${first.source}`);
  }
  if (first.kind === 'nil') throw fault(state, first, 'nil is not a command');
  return evaluateOperand(state, dot, first);
}

function evaluateOperand(state: State, dot: Value, operand: Operand): Value {
  switch (operand.kind) {
    case 'dot':
      return dot;
    case 'nil':
      return nilPointer;
    case 'constant':
      return operand.value;
    case 'pipe':
      return evaluatePipe(state, dot, operand);
    case 'function':
      return callFunction(state, dot, operand, [], absent);
    default:
      return evaluatePath(state, dot, operand);
  }
}

const argumentsOf = (state: State, dot: Value, operands: Operand[], piped: Value) => {
  const args = operands.map((operand) => evaluateOperand(state, dot, operand));
  return piped === absent ? args : [...args, piped];
};

function evaluatePath(
  state: State,
  dot: Value,
  path: Extract<Operand, { names: string[] }>,
  args?: () => Value[],
): Value {
  let value = dot;
  if (path.kind === 'variable') value = state.variables.findLast((variable) => variable.name === path.name)!.value;
  if (path.kind === 'chain') value = evaluateOperand(state, dot, path.base);
  if (args && path.names.length === 0) throw fault(state, path, `can't give argument to non-function ${path.source}`);
  path.names.forEach((name, index) => {
    const isLast = index === path.names.length - 1;
    value = evaluateField(state, path, value, name, isLast ? args?.() : undefined);
  });
  return value;
}

function evaluateField(state: State, node: Operand, receiver: Value, name: string, args?: Value[]): Value {
  if (receiver === undefined || receiver === null) {
    throw fault(state, node, `nil data; no entry for key ${JSON.stringify(name)}`);
  }
  if (receiver instanceof Nil) throw fault(state, node, `nil pointer evaluating interface {}.${name}`);
  if (receiver instanceof Map) {
    if (args) throw fault(state, node, `${name} is not a method but has arguments`);
    if (receiver.has(name)) return receiver.get(name);
    if (state.strictMaps) throw fault(state, node, `map has no entry for key ${JSON.stringify(name)}`);
    return undefined;
  }
  const key = typeof receiver === 'object' && !Array.isArray(receiver) ? fieldKey(receiver, name) : undefined;
  if (key === undefined) throw fault(state, node, `can't evaluate field ${name} in type ${typeName(receiver)}`);
  const member = (receiver as Record<string, Value>)[key];
  if (typeof member === 'function') return callMethod(state, node, member as TemplateFunction, name, args ?? []);
  if (args) throw fault(state, node, `${name} is not a method but has arguments`);
  return member;
}

/** Go's name of a field and its name on the wire differ in the case of letters: `ID` and `Id`. */
function fieldKey(struct: object, name: string): string | undefined {
  if (Object.hasOwn(struct, name)) return name;
  const lower = name.toLowerCase();
  return Object.getOwnPropertyNames(struct).find((key) => key.toLowerCase() === lower);
}

function callMethod(state: State, node: Operand, method: TemplateFunction, name: string, args: Value[]): Value {
  if (args.length !== method.length) {
    throw fault(state, node, `wrong number of args for ${name}: want ${method.length} got ${args.length}`);
  }
  return method(...args);
}

function callFunction(
  state: State,
  dot: Value,
  node: Extract<Operand, { kind: 'function' }>,
  operands: Operand[],
  piped: Value,
): Value {
  const { name } = node;
  const count = operands.length + (piped === absent ? 0 : 1);
  const [min, max] = arity[name] ?? [0, Number.POSITIVE_INFINITY];
  if (count < min || count > max) {
    const wanted = max === Number.POSITIVE_INFINITY ? `at least ${min}` : `${min}`;
    throw fault(state, node, `wrong number of args for ${name}: want ${wanted} got ${count}`);
  }
  if (name === 'and' || name === 'or') return shortCircuit(state, dot, name, operands, piped);
  const args = argumentsOf(state, dot, operands, piped);
  try {
    return state.functions[name]!(...args);
  } catch (error) {
    const { message } = error as Error;
    throw fault(state, node, error instanceof WrongType ? message : `error calling ${name}: ${message}`);
  }
}

/** The first argument that decides, else the last one; those after it are not evaluated. */
function shortCircuit(state: State, dot: Value, name: 'and' | 'or', operands: Operand[], piped: Value): Value {
  let value: Value;
  for (const operand of operands) {
    value = evaluateOperand(state, dot, operand);
    if (isTrue(value) === (name === 'or')) return value;
  }
  return piped === absent ? value : piped;
}

const fault = (state: State, node: { position: number; source: string }, message: string) =>
  executeError(state.text, node.position, node.source, message);
