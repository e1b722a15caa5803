import { open } from 'node:fs/promises';
import { parse } from 'yaml';
import { invalid } from '#errors/errors.ts';
import { type CdiDeviceNode, type CdiFile, type ContainerEdits, HOOKS } from './cdi-file.ts';

/** Bytes; NVIDIA's for 16 devices has 60,000. */
const MAX_FILE = 4 * 1024 * 1024;

const KIND = /^[A-Za-z]([\w.-]*[A-Za-z0-9])?\/[A-Za-z]([\w-]*[A-Za-z0-9])?$/;
const DEVICE = /^[A-Za-z0-9]([\w.:-]*[A-Za-z0-9])?$/;

/** Reads a file of devices. Runs in a worker. Throws `invalid` that says what is wrong with it. */
export async function run(path: string): Promise<CdiFile> {
  await using file = await open(path);
  const { size } = await file.stat();
  if (size > MAX_FILE) throw invalid(`it has ${size} bytes, more than ${MAX_FILE}`);
  return checkFile(parse(await file.readFile('utf8'), { maxAliasCount: 0 }));
}

function checkFile(value: unknown): CdiFile {
  const file = record(value, 'it');
  const cdiVersion = text(file.cdiVersion, 'cdiVersion');
  if (!/^[01]\.\d+(\.\d+)?$/.test(cdiVersion)) throw invalid(`cdiVersion ${cdiVersion} is not known`);
  const kind = text(file.kind, 'kind');
  if (!KIND.test(kind)) throw invalid(`kind ${kind} is not of the form vendor.com/class`);
  const devices = list(file.devices, 'devices').map((item, index) => {
    const place = `devices[${index}]`;
    const device = record(item, place);
    const name = text(device.name, `${place}.name`);
    if (!DEVICE.test(name)) throw invalid(`${place}.name ${name} is not a device's name`);
    return { name, containerEdits: checkEdits(device.containerEdits, `${place}.containerEdits`) };
  });
  const twice = devices.find(({ name }, index) => devices.findIndex((other) => other.name === name) < index);
  if (twice) throw invalid(`it names the device ${twice.name} twice`);
  return { cdiVersion, kind, devices, containerEdits: checkEdits(file.containerEdits, 'containerEdits') };
}

function checkEdits(value: unknown, place: string): ContainerEdits {
  if (value === undefined || value === null) return {};
  const edits = record(value, place);
  return {
    env: list(edits.env, `${place}.env`).map((entry, index) => {
      if (!/^[^=]+=/.test(text(entry, `${place}.env[${index}]`)))
        throw invalid(`${place}.env[${index}] is no NAME=value`);
      return entry as string;
    }),
    deviceNodes: list(edits.deviceNodes, `${place}.deviceNodes`).map((item, index) =>
      checkNode(item, `${place}.deviceNodes[${index}]`),
    ),
    mounts: list(edits.mounts, `${place}.mounts`).map((item, index) => {
      const at = `${place}.mounts[${index}]`;
      const { hostPath, containerPath, type, options } = record(item, at);
      return {
        hostPath: text(hostPath, `${at}.hostPath`),
        containerPath: path(containerPath, `${at}.containerPath`),
        ...(type !== undefined && { type: text(type, `${at}.type`) }),
        options: texts(options, `${at}.options`),
      };
    }),
    hooks: list(edits.hooks, `${place}.hooks`).map((item, index) => checkHook(item, `${place}.hooks[${index}]`)),
    additionalGids: list(edits.additionalGids, `${place}.additionalGids`).map((gid, index) =>
      natural(gid, `${place}.additionalGids[${index}]`),
    ),
  };
}

function checkNode(value: unknown, place: string): CdiDeviceNode {
  const node = record(value, place);
  const result: CdiDeviceNode = { path: path(node.path, `${place}.path`) };
  if (node.hostPath !== undefined) result.hostPath = path(node.hostPath, `${place}.hostPath`);
  if (node.type !== undefined) result.type = text(node.type, `${place}.type`);
  if (result.type && !/^[bcup]$/.test(result.type)) throw invalid(`${place}.type ${result.type} is none of b, c, u, p`);
  if (node.permissions !== undefined) result.permissions = text(node.permissions, `${place}.permissions`);
  if (!/^[rwm]*$/.test(result.permissions ?? '')) throw invalid(`${place}.permissions are made of r, w and m`);
  for (const name of ['major', 'minor', 'fileMode', 'uid', 'gid'] as const) {
    if (node[name] !== undefined) result[name] = natural(node[name], `${place}.${name}`);
  }
  return result;
}

function checkHook(value: unknown, place: string): NonNullable<ContainerEdits['hooks']>[number] {
  const hook = record(value, place);
  const hookName = text(hook.hookName, `${place}.hookName`);
  if (!HOOKS.includes(hookName as 'prestart')) throw invalid(`${place}.hookName ${hookName} is not known`);
  return {
    hookName,
    path: path(hook.path, `${place}.path`),
    args: texts(hook.args, `${place}.args`),
    env: texts(hook.env, `${place}.env`),
    ...(hook.timeout !== undefined && { timeout: natural(hook.timeout, `${place}.timeout`) }),
  };
}

function record(value: unknown, place: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw invalid(`${place} is no object`);
}

function list(value: unknown, place: string): unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw invalid(`${place} is no list`);
}

function text(value: unknown, place: string): string {
  if (typeof value === 'string' && !value.includes('\0')) return value;
  throw invalid(`${place} is no text`);
}

const texts = (value: unknown, place: string) =>
  list(value, place).map((item, index) => text(item, `${place}[${index}]`));

function path(value: unknown, place: string): string {
  if (text(value, place).startsWith('/')) return value as string;
  throw invalid(`${place} is no absolute path`);
}

function natural(value: unknown, place: string): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw invalid(`${place} is no natural number`);
}
