import { lookup } from 'node:dns/promises';
import { invalid, system } from '#errors/errors.ts';
import type { BindRequest, MountRequest } from '#linux/launcher-types.ts';

/**
 * Options of the local driver: `type` and `device` of a file system to mount when the volume is used, `o` its mount
 * options, as in mount(8). A volume without options is a folder.
 */
export type DriverOptions = Readonly<Record<string, string>>;

const KNOWN = ['type', 'o', 'device', 'size'];

/** MOUNT_ATTR_* of linux/mount.h; a word that stands for the default has no bit. */
const ATTRIBUTES: Readonly<Record<string, number>> = {
  ro: 0x1,
  nosuid: 0x2,
  nodev: 0x4,
  noexec: 0x8,
  noatime: 0x10,
  strictatime: 0x20,
  nodiratime: 0x80,
  rw: 0,
  suid: 0,
  dev: 0,
  exec: 0,
  atime: 0,
  relatime: 0,
  diratime: 0,
  defaults: 0,
};

/** Throws `invalid` in Docker's words when the options cannot make a mount. */
export function checkDriverOptions(name: string, options: DriverOptions): void {
  const refuse = (why: string, hint?: string) => invalid(`create ${name}: ${why}`, { hint });
  const unknown = Object.keys(options).find((key) => !KNOWN.includes(key));
  if (unknown !== undefined)
    throw refuse(`invalid option: "${unknown}"`, `Known options: ${KNOWN.slice(0, 3).join(', ')}.`);
  if (options.size) throw refuse('quota size requested but no quota support');
  if (Object.keys(options).length === 0) return;
  if (!options.device) throw refuse('missing required option: "device"');
  if (!options.type) throw refuse('missing required option: "type"');
}

/** What the launcher is asked to do to mount a volume's options on `target`. */
export type OptionsMount = { bind: BindRequest } | { mount: MountRequest };

/** Turns options into a request. Looks the server of a network file system up, as the kernel takes only addresses. */
export async function optionsMount(options: DriverOptions, target: string): Promise<OptionsMount> {
  const words = (options.o ?? '').split(',').filter((word) => word !== '');
  const flags = words.filter((word) => Object.hasOwn(ATTRIBUTES, word));
  const attributes = flags.reduce((bits, word) => bits | ATTRIBUTES[word]!, 0);
  const source = options.device!;
  if (words.includes('bind') || words.includes('rbind')) {
    return { bind: { source, target, recursive: words.includes('rbind'), attributesSet: attributes || undefined } };
  }
  const settings = words.filter((word) => !flags.includes(word)).map(keyAndValue);
  const resolved = await Promise.all(settings.map(withAddress));
  return { mount: { fstype: options.type!, options: [['source', source], ...resolved], attributes, target } };
}

function keyAndValue(word: string): [string, string | null] {
  const equals = word.indexOf('=');
  return equals < 0 ? [word, null] : [word.slice(0, equals), word.slice(equals + 1)];
}

async function withAddress([key, value]: [string, string | null]): Promise<[string, string | null]> {
  if (key !== 'addr' || value === null) return [key, value];
  try {
    return [key, (await lookup(value)).address];
  } catch (cause) {
    throw system(`error resolving passed in network volume address: ${value}`, { cause });
  }
}
