import { posix } from 'node:path';
import type { ImageConfig } from '#api/types/image.ts';
import type { StringSet } from '#api/types/scalar.ts';
import { invalid } from '#errors/errors.ts';
import { parseSignal } from '#lib/signal.ts';
import { commandLine, listOrWords, oneWord, pairs, words } from './arguments.ts';
import { exposedPorts } from './exposed-ports.ts';
import { parseHealthcheck } from './healthcheck.ts';
import type { Instruction } from './instruction.ts';

/** What an instruction changes of the configuration that it is given. Throws `invalid` in Docker's words. */
export type ConfigInstruction = (config: ImageConfig, instruction: Instruction) => Partial<ImageConfig>;

/** The instructions that do nothing but change an image's configuration, by keyword. */
export const CONFIG_INSTRUCTIONS: ReadonlyMap<string, ConfigInstruction> = new Map<string, ConfigInstruction>([
  ['CMD', (config, line) => ({ Cmd: commandLine(config, line) })],
  ['ENTRYPOINT', (config, line) => ({ Entrypoint: entrypoint(config, line) })],
  ['ENV', (config, line) => ({ Env: pairs(config, line).reduce(withVariable, config.Env ?? []) })],
  ['EXPOSE', (config, line) => expose(config, words(config, line))],
  ['HEALTHCHECK', (_, line) => ({ Healthcheck: parseHealthcheck(line) })],
  ['LABEL', (config, line) => ({ Labels: { ...config.Labels, ...Object.fromEntries(pairs(config, line)) } })],
  ['ONBUILD', (config, line) => ({ OnBuild: [...(config.OnBuild ?? []), trigger(line)] })],
  ['STOPSIGNAL', (config, line) => ({ StopSignal: stopSignal(oneWord(config, line)) })],
  ['USER', (config, line) => ({ User: oneWord(config, line) })],
  ['VOLUME', (config, line) => ({ Volumes: { ...config.Volumes, ...volumes(listOrWords(config, line)) } })],
  ['WORKDIR', (config, line) => ({ WorkingDir: workingDir(config, oneWord(config, line)) })],
]);

/** An empty one takes the image's away. */
function entrypoint(config: ImageConfig, line: Instruction): string[] | null {
  const command = line.rest === '' ? [] : commandLine(config, line);
  return command.length > 0 ? command : null;
}

/** A variable keeps its place when it gets another value. */
function withVariable(env: readonly string[], [name, value]: readonly [string, string]): string[] {
  const entry = `${name}=${value}`;
  const at = env.findIndex((other) => other === name || other.startsWith(`${name}=`));
  return at < 0 ? [...env, entry] : env.with(at, entry);
}

/** A variable may turn out to hold no port at all. */
function expose({ ExposedPorts }: ImageConfig, specs: readonly string[]): Partial<ImageConfig> {
  return specs.length > 0 ? { ExposedPorts: { ...ExposedPorts, ...exposedPorts(specs) } } : {};
}

const UNFIT_TRIGGERS: ReadonlySet<string> = new Set(['FROM', 'MAINTAINER']);

/** The instruction that a later build is to run; it is checked then. */
function trigger({ body }: Instruction): string {
  if (body === '') throw invalid('ONBUILD requires at least one argument');
  const keyword = body.split(/\s/, 1)[0]!.toUpperCase();
  if (keyword === 'ONBUILD') throw invalid("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (UNFIT_TRIGGERS.has(keyword)) throw invalid(`${keyword} isn't allowed as an ONBUILD trigger`);
  return body;
}

function stopSignal(text: string): string {
  if (!/^0*[1-9]\d*$/.test(text)) parseSignal(text); // Docker leaves it to the start whether there is such a number
  return text;
}

function volumes(paths: readonly string[]): StringSet {
  if (paths.some((path) => path.trim() === '')) throw invalid('VOLUME specified can not be an empty string');
  return Object.fromEntries(paths.map((path) => [path.trim(), {}]));
}

function workingDir(config: ImageConfig, path: string): string {
  if (path === '') throw invalid('cannot normalize nothing');
  return posix.resolve('/', config.WorkingDir ?? '', path);
}
