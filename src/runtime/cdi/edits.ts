import { stat } from 'node:fs/promises';
import { describe, system } from '#errors/errors.ts';
import { variableName } from '../spec/environment.ts';
import type { OciDevice, OciDeviceRule, OciHook, OciMount, OciSpec } from '../spec/oci.ts';
import { deviceNumbers } from '../spec/resolve-devices.ts';
import { type CdiDeviceNode, type ContainerEdits, HOOKS } from './cdi-file.ts';

/** The device's mode where its file names none. */
const FILE_MODE = 0o666;

/** The configuration with the edits in it; `spec` itself is not changed. Throws `system` for a device that is not there. */
export async function applyEdits(spec: OciSpec, edits: readonly ContainerEdits[]): Promise<OciSpec> {
  if (edits.length === 0) return spec;
  const all = <K extends keyof ContainerEdits>(name: K) =>
    edits.flatMap((edit) => (edit[name] ?? []) as NonNullable<ContainerEdits[K]>[number][]);
  const nodes = await Promise.all(all('deviceNodes').map((node) => ociDevice(node, spec)));
  const { process, linux } = spec;
  const gids = new Set([...process.user.additionalGids, ...all('additionalGids').filter((gid) => gid !== 0)]);
  return {
    ...spec,
    process: {
      ...process,
      env: mergeEnv(process.env, all('env')),
      user: { ...process.user, additionalGids: [...gids] },
    },
    mounts: [
      ...spec.mounts,
      ...all('mounts')
        .map(ociMount)
        .sort((a, b) => depth(a) - depth(b)),
    ],
    hooks: hooksOf(all('hooks')),
    linux: {
      ...linux,
      devices: [
        ...new Map([...(linux.devices ?? []), ...nodes.map(({ node }) => node)].map((n) => [n.path, n])).values(),
      ],
      resources: { ...linux.resources, devices: [...linux.resources.devices, ...nodes.flatMap(({ rule }) => rule)] },
    },
  };
}

async function ociDevice(node: CdiDeviceNode, spec: OciSpec): Promise<{ node: OciDevice; rule: OciDeviceRule[] }> {
  const { type, major, minor } = await kindOf(node);
  const { uid, gid } = spec.process.user;
  const device = { path: node.path, type, major, minor, fileMode: node.fileMode ?? FILE_MODE };
  const rule = { allow: true, type, major, minor, access: node.permissions || 'rwm' };
  return { node: { ...device, uid: node.uid ?? uid, gid: node.gid ?? gid }, rule: type === 'p' ? [] : [rule] };
}

/** As its file says, else as it is on the host. */
async function kindOf({
  path,
  hostPath = path,
  ...node
}: CdiDeviceNode): Promise<Pick<OciDevice, 'type' | 'major' | 'minor'>> {
  const type = node.type === 'u' ? 'c' : node.type;
  if (type === 'p') return { type, major: 0, minor: 0 };
  if (type && node.major) return { type, major: node.major, minor: node.minor ?? 0 };
  const fail = (why: string) => system(`CDI device injection failed: the device ${hostPath} ${why}`);
  const stats = await stat(hostPath, { bigint: true }).catch((error) => {
    throw fail(`cannot be used: ${describe(error)}`);
  });
  const found = stats.isBlockDevice() ? 'b' : stats.isCharacterDevice() ? 'c' : undefined;
  if (found === undefined) throw fail('is not a device');
  if (type && type !== found) throw fail(`is of type ${found}, not ${type}`);
  return { type: found, ...deviceNumbers(stats.rdev) };
}

function ociMount({
  hostPath,
  containerPath,
  type = 'bind',
  options = [],
}: NonNullable<ContainerEdits['mounts']>[number]): OciMount {
  const bind = type === 'bind' && !options.includes('bind') && !options.includes('rbind') ? ['rbind'] : [];
  return { destination: containerPath, type, source: hostPath, options: [...bind, ...options] };
}

function hooksOf(hooks: NonNullable<ContainerEdits['hooks']>): OciSpec['hooks'] {
  const given = HOOKS.map((name) => {
    const these = hooks.filter(({ hookName }) => hookName === name);
    return [name, these.map(({ hookName: _, ...hook }): OciHook => hook)] as const;
  });
  const used = given.filter(([, list]) => list.length > 0);
  return used.length > 0 ? Object.fromEntries(used) : undefined;
}

/** Later entries win; those of the same name go. */
function mergeEnv(env: readonly string[], more: readonly string[]): string[] {
  return [...new Map([...env, ...more].map((entry) => [variableName(entry), entry])).values()];
}

function depth({ destination }: OciMount): number {
  return destination.split('/').length;
}
