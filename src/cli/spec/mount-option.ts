import { isAbsolute, resolve } from 'node:path';
import type { BindOptions, Mount, MountType } from '#api/types/mount.ts';
import { parseBytes } from '../flags/quantities.ts';
import type { ValueType } from '../flags/types.ts';
import { bool } from '../flags/values.ts';
import { parseCsvLine, splitPair } from './csv.ts';

/** `--mount type=bind,src=/a,dst=/b,readonly`; repeatable. */
export const mounts: ValueType<Mount[]> = {
  name: 'mount',
  initial: [],
  set: (previous, text) => [...previous, parseMount(text)],
};

type Setter = (mount: Mount, value: string, key: string) => void;

const setters: Record<string, Setter> = {
  type: (mount, value) => {
    mount.Type = value.toLowerCase() as MountType;
  },
  source: (mount, value) => {
    mount.Source = value.startsWith('.') && !isAbsolute(value) ? resolve(value) : value;
  },
  target: (mount, value) => {
    mount.Target = value;
  },
  readonly: (mount, value, key) => {
    mount.ReadOnly = yesOrNo(value, key) || undefined;
  },
  consistency: (mount, value) => {
    mount.Consistency = value.toLowerCase();
  },
  'bind-propagation': (mount, value) => {
    bind(mount).Propagation = value.toLowerCase() as BindOptions['Propagation'];
  },
  'bind-nonrecursive': (mount, value, key) => {
    bind(mount).NonRecursive = yesOrNo(value, key) || undefined;
  },
  'bind-recursive': setRecursion,
  'volume-subpath': (mount, value) => {
    volume(mount).Subpath = value;
  },
  'volume-nocopy': (mount, value, key) => {
    volume(mount).NoCopy = yesOrNo(value, key) || undefined;
  },
  'volume-label': (mount, value) => {
    volume(mount).Labels = { ...volume(mount).Labels, ...entryOf(value) };
  },
  'volume-driver': (mount, value) => {
    volume(mount).DriverConfig!.Name = value;
  },
  'volume-opt': (mount, value) => {
    const driver = volume(mount).DriverConfig!;
    driver.Options = { ...driver.Options, ...entryOf(value) };
  },
  'image-subpath': (mount, value) => {
    mount.ImageOptions = { Subpath: value };
  },
  'tmpfs-size': (mount, value, key) => {
    const size = attempt(() => parseBytes(value), `invalid value for ${key}: ${value}`);
    mount.TmpfsOptions = { ...mount.TmpfsOptions, SizeBytes: size };
  },
  'tmpfs-mode': (mount, value, key) => {
    if (!/^[0-7]{1,10}$/.test(value)) throw new Error(`invalid value for ${key}: ${value}`);
    mount.TmpfsOptions = { ...mount.TmpfsOptions, Mode: Number.parseInt(value, 8) };
  },
};

const synonyms: Record<string, string> = { src: 'source', dst: 'target', destination: 'target', ro: 'readonly' };

/** Keys that mean `true` without a value. */
const switches = new Set(['readonly', 'volume-nocopy', 'bind-nonrecursive']);

/** @throws Error that says which field is wrong. */
export function parseMount(text: string): Mount {
  const mount: Mount = { Type: 'volume' };
  for (const field of parseCsvLine(text)) {
    const [given, value] = splitPair(field);
    const name = given.toLowerCase();
    const key = synonyms[name] ?? name;
    if (value === undefined && !switches.has(key)) throw new Error(`invalid field '${field}' must be a key=value pair`);
    const set = Object.hasOwn(setters, key) ? setters[key] : undefined;
    if (!set) throw new Error(`unexpected key '${name}' in '${field}'`);
    set(mount, value ?? 'true', name);
  }
  checkMount(mount);
  return mount;
}

function checkMount(mount: Mount): void {
  if (!mount.Type) throw new Error('type is required');
  if (!mount.Target) throw new Error('target is required');
  const own: [options: unknown, type: MountType][] = [
    [mount.VolumeOptions, 'volume'],
    [mount.ImageOptions, 'image'],
    [mount.BindOptions, 'bind'],
    [mount.TmpfsOptions, 'tmpfs'],
  ];
  for (const [options, type] of own) {
    if (options && mount.Type !== type)
      throw new Error(`cannot mix '${type}-*' options with mount type '${mount.Type}'`);
  }
  if (mount.BindOptions?.ReadOnlyForceRecursive) {
    const needs = !mount.ReadOnly
      ? 'readonly'
      : mount.BindOptions.Propagation !== 'rprivate'
        ? 'bind-propagation=rprivate'
        : '';
    if (needs) throw new Error(`option 'bind-recursive=readonly' requires '${needs}' to be specified in conjunction`);
  }
}

function setRecursion(mount: Mount, value: string, key: string): void {
  const options = bind(mount);
  switch (value) {
    case 'enabled':
      return;
    case 'disabled':
      options.NonRecursive = true;
      return;
    case 'writable':
      options.ReadOnlyNonRecursive = true;
      return;
    case 'readonly':
      options.ReadOnlyForceRecursive = true;
      return;
    default:
      throw new Error(`invalid value for ${key}: ${value} (must be "enabled", "disabled", "writable", or "readonly")`);
  }
}

function bind(mount: Mount): BindOptions {
  mount.BindOptions ??= {};
  return mount.BindOptions;
}

function volume(mount: Mount): NonNullable<Mount['VolumeOptions']> {
  mount.VolumeOptions ??= { DriverConfig: {} };
  return mount.VolumeOptions;
}

function entryOf(value: string): Record<string, string> {
  const [name, text = ''] = splitPair(value);
  return { [name]: text };
}

const yesOrNo = (value: string, key: string) =>
  attempt(() => bool.set(false, value), `invalid value for ${key}: ${value}`);

function attempt<T>(parse: () => T, message: string): T {
  try {
    return parse();
  } catch (cause) {
    throw new Error(message, { cause });
  }
}
