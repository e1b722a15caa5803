import { CommandError } from '../errors.ts';

/** One side of a copy: a path here (`container` absent), or in a container. `-` is standard input or output. */
export interface CopySide {
  container?: string;
  path: string;
}

/** `CONTAINER:PATH`, or a path here; one that begins with `/` or `.` is always here. */
export function parseSide(argument: string): CopySide {
  const colon = argument.indexOf(':');
  if (argument.startsWith('/') || argument.startsWith('.') || colon < 0) return { path: argument };
  return colon === 0
    ? { path: argument.slice(1) }
    : { container: argument.slice(0, colon), path: argument.slice(colon + 1) };
}

export type ContainerPath = Required<CopySide>;

export type CopyDirection =
  | { way: 'from'; source: ContainerPath; target: string }
  | { way: 'to'; source: string; target: ContainerPath };

const isContainers = (side: CopySide): side is ContainerPath => side.container !== undefined;

/** Throws CommandError in docker's words when not exactly one side is a container's. */
export function parseDirection(source: string, destination: string): CopyDirection {
  if (source === '') throw new CommandError('source can not be empty');
  if (destination === '') throw new CommandError('destination can not be empty');
  const from = parseSide(source);
  const to = parseSide(destination);
  if (isContainers(from) && isContainers(to)) throw new CommandError('copying between containers is not supported');
  if (isContainers(from)) return { way: 'from', source: from, target: to.path };
  if (isContainers(to)) return { way: 'to', source: from.path, target: to };
  throw new CommandError('must specify at least one container source');
}
