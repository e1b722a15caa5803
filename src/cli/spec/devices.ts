import type { DeviceMapping, DeviceRequest, ThrottleDevice, WeightDevice } from '#api/types/host-config.ts';
import { CommandError } from '../errors.ts';
import { parseBytes } from '../flags/quantities.ts';
import type { ValueType } from '../flags/types.ts';
import { listOf, narrow } from '../flags/values.ts';
import { parseCsvLine, splitPair } from './csv.ts';

const permissions = /^[rwm]+$/;

/** A name of the Container Device Interface: `vendor.com/class=device`. */
const cdiName = /^[A-Za-z][\w.-]*[A-Za-z0-9]?\/[A-Za-z][\w-]*=[\w][\w.:-]*$/;

/** `--device source[:target][:permissions]`, or the name of a CDI device. */
export function parseDevices(texts: string[]): { devices: DeviceMapping[]; requests: DeviceRequest[] } {
  const cdi = texts.filter((text) => cdiName.test(text));
  const requests =
    cdi.length > 0 ? [{ Driver: 'cdi', Count: 0, DeviceIDs: cdi, Capabilities: null, Options: null }] : [];
  return { devices: texts.filter((text) => !cdiName.test(text)).map(parseDevice), requests };
}

function parseDevice(text: string): DeviceMapping {
  const parts = text.split(':');
  const [source = '', second = '', third] = parts;
  if (source === '' || parts.length > 3) {
    throw new CommandError(`invalid device specification: ${text}`, { exitCode: 125 });
  }
  if (third !== undefined) return mapping(source, second, third);
  return permissions.test(second) ? mapping(source, '', second) : mapping(source, second, 'rwm');
}

function mapping(source: string, target: string, rights: string): DeviceMapping {
  return { PathOnHost: source, PathInContainer: target || source, CgroupPermissions: rights };
}

/** `--device-cgroup-rule 'c 1:3 rwm'` */
export const cgroupRules: ValueType<string[]> = listOf('list', (text) => {
  if (/^[acb] (\d+|\*):(\d+|\*) [rwm]{1,3}$/.test(text)) return text;
  throw new Error(`invalid device cgroup format '${text}'`);
});

/** `--gpus all`, a count, or `device=0,capabilities=utility`. */
export const gpuRequests: ValueType<DeviceRequest[]> = {
  name: 'gpu-request',
  initial: [],
  set: (previous, text) => [...previous, parseGpus(text)],
};

function parseGpus(text: string): DeviceRequest {
  const request: DeviceRequest = { Driver: '', Count: 0, DeviceIDs: null, Capabilities: null, Options: {} };
  const seen = new Set<string>();
  for (const field of parseCsvLine(text)) {
    const [name, value] = splitPair(field);
    const key = value === undefined ? 'count' : name;
    if (seen.has(key)) throw new Error(`gpu request key '${key}' can be specified only once`);
    seen.add(key);
    setGpuField(request, key, value ?? name);
  }
  if (!seen.has('count') && request.DeviceIDs === null) request.Count = 1;
  const capabilities = request.Capabilities?.[0] ?? [];
  request.Capabilities = [capabilities.includes('gpu') ? capabilities : [...capabilities, 'gpu']];
  return request;
}

function setGpuField(request: DeviceRequest, key: string, value: string): void {
  switch (key) {
    case 'driver':
      request.Driver = value;
      return;
    case 'count':
      if (value !== 'all' && !/^-?\d+$/.test(value))
        throw new Error(`invalid count (${value}): value must be either "all" or an integer`);
      request.Count = value === 'all' ? -1 : Number(value);
      return;
    case 'device':
      request.DeviceIDs = value.split(',');
      return;
    case 'capabilities':
      request.Capabilities = [[...value.split(','), 'gpu']];
      return;
    case 'options':
      request.Options = Object.fromEntries(parseCsvLine(value).map((option) => splitPair(option) as [string, string]));
      return;
    default:
      throw new Error(`unexpected key '${key}' in '${key}=${value}'`);
  }
}

function splitDevice(text: string): [path: string, amount: string] {
  const at = text.indexOf(':');
  if (at <= 0) throw new Error(`bad format: ${text}`);
  if (!text.startsWith('/dev/')) throw new Error(`bad format for device path: ${text}`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** `--blkio-weight-device /dev/sda:500` */
export const weightDevices: ValueType<WeightDevice[]> = {
  name: 'list',
  initial: [],
  set(previous, text) {
    const [path, amount] = splitDevice(text);
    const weight = Number(amount);
    const valid = /^\d+$/.test(amount) && (weight === 0 || (weight >= 10 && weight <= 1000));
    if (!valid) throw new Error(`invalid weight for device: ${text}`);
    return [...previous, { Path: path, Weight: weight }];
  },
};

/** `--device-read-bps /dev/sda:10mb` */
export const bytesPerSecond: ValueType<ThrottleDevice[]> = {
  name: 'list',
  initial: [],
  set(previous, text) {
    const [path, amount] = splitDevice(text);
    return [...previous, { Path: path, Rate: rate(text, amount) }];
  },
};

function rate(text: string, amount: string): number | bigint {
  try {
    return parseBytes(amount);
  } catch {
    throw new Error(
      `invalid rate for device: ${text}. The correct format is <device-path>:<number>[<unit>], with kb, mb or gb`,
    );
  }
}

/** `--device-read-iops /dev/sda:1000` */
export const operationsPerSecond: ValueType<ThrottleDevice[]> = {
  name: 'list',
  initial: [],
  set(previous, text) {
    const [path, amount] = splitDevice(text);
    if (!/^\d{1,20}$/.test(amount)) {
      throw new Error(
        `invalid rate for device: ${text}. The correct format is <device-path>:<number>, a positive integer`,
      );
    }
    return [...previous, { Path: path, Rate: narrow(BigInt(amount)) }];
  },
};
