import { readFile } from 'node:fs/promises';
import type { Context } from '../command.ts';
import { CommandError } from '../errors.ts';
import type { ValueType } from '../flags/types.ts';
import { parseCsvLine } from '../spec/csv.ts';
import { wholeContext } from './default-context.ts';
import type { ContextEndpoint, TlsMaterial } from './store.ts';

/** `--docker "host=tcp://x,ca=FILE,cert=FILE,key=FILE,skip-tls-verify=true,from=CONTEXT"`, repeatable. */
export const endpointFlag: ValueType<Record<string, string>> = {
  name: 'stringToString',
  initial: {},
  set(previous, text) {
    const pairs = parseCsvLine(text).map((pair) => {
      const at = pair.indexOf('=');
      if (at < 0) throw new Error(`${pair} must be formatted as key=value`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    });
    return { ...previous, ...Object.fromEntries(pairs) };
  },
};

const KEYS = new Set(['from', 'host', 'ca', 'cert', 'key', 'skip-tls-verify']);
const FILES: [key: string, file: string][] = [
  ['ca', 'ca.pem'],
  ['cert', 'cert.pem'],
  ['key', 'key.pem'],
];

export interface EndpointWithTls {
  endpoint: ContextEndpoint;
  tls: TlsMaterial;
}

/** What `--docker` says. Throws CommandError `unable to create docker endpoint config: ...`. */
export async function endpointFrom(context: Context, values: Record<string, string>): Promise<EndpointWithTls> {
  const refuse = (why: string) => new CommandError(`unable to create docker endpoint config: ${why}`);
  for (const key of Object.keys(values)) if (!KEYS.has(key)) throw refuse(`${key}: unrecognized config key`);
  if (values.from) {
    const { stored, tls } = await wholeContext(context, values.from);
    return { endpoint: stored.Endpoints.docker ?? { SkipTLSVerify: false }, tls };
  }
  const skip = parseBool(values['skip-tls-verify'] ?? 'false');
  if (skip === undefined)
    throw refuse(
      `skip-tls-verify: strconv.ParseBool: parsing ${JSON.stringify(values['skip-tls-verify'])}: invalid syntax`,
    );
  const tls: TlsMaterial = {};
  for (const [key, file] of FILES) {
    const path = values[key];
    if (!path) continue;
    tls[file] = await readFile(path).catch(() => Promise.reject(refuse(`open ${path}: no such file or directory`)));
  }
  if ((values.cert === undefined) !== (values.key === undefined)) {
    throw refuse('invalid docker endpoint options: must specify both cert and key, or neither');
  }
  const { host = '' } = values;
  return { endpoint: { ...(host !== '' && { Host: host }), SkipTLSVerify: skip }, tls };
}

function parseBool(text: string): boolean | undefined {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  return /^(0|f|F|FALSE|false|False)$/.test(text) ? false : undefined;
}
