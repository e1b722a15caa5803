import type { DeviceRequest } from '#api/types/host-config.ts';
import { system } from '#errors/errors.ts';
import type { ContainerEdits } from './cdi-file.ts';
import type { CdiDevices } from './library.ts';

/** Who makes graphics cards that `--gpus` can mean, the one that Docker asks first. */
const GPU_VENDORS = ['nvidia.com', 'amd.com'];

/**
 * The edits for the devices that were asked for: those of a file once, before those of its devices. Throws `system` in
 * Docker's words when no device is there that a request could mean.
 */
export function requestedEdits(requests: readonly DeviceRequest[], library: CdiDevices): ContainerEdits[] {
  const names = new Set(requests.flatMap((request) => namesOf(request, library)));
  const missing = [...names].filter((name) => !library.devices.has(name));
  if (missing.length > 0) {
    throw system(`CDI device injection failed: unresolvable CDI devices ${missing.join(', ')}`, {
      hint: [`Known devices: ${[...library.devices.keys()].join(', ') || 'none'}.`, ...library.problems].join(' '),
    });
  }
  const edits = new Set<ContainerEdits>();
  for (const name of names) {
    const file = library.devices.get(name)!;
    edits.add(file.containerEdits);
    edits.add(file.devices.find((device) => `${file.kind}=${device.name}` === name)!.containerEdits);
  }
  return [...edits];
}

function namesOf(request: DeviceRequest, library: CdiDevices): string[] {
  if (request.Driver === 'cdi') return request.DeviceIDs ?? [];
  const kind = gpuKind(request, library);
  if (kind === undefined) throw noDriver(request, library);
  if (request.DeviceIDs?.length) return request.DeviceIDs.map((id) => `${kind}=${id}`);
  if (request.Count < 0) return [`${kind}=all`];
  return Array.from({ length: request.Count }, (_, index) => `${kind}=${index}`);
}

/** `nvidia.com/gpu`, when the request is for graphics cards and that maker's are described. */
function gpuKind(
  { Driver: driver, Capabilities: capabilities }: DeviceRequest,
  library: CdiDevices,
): string | undefined {
  if (driver === '' && !capabilities?.some((all) => all.includes('gpu'))) return undefined;
  const kinds = new Set([...library.devices.values()].map(({ kind }) => kind));
  return GPU_VENDORS.filter((vendor) => driver === '' || vendor === `${driver}.com`)
    .map((vendor) => `${vendor}/gpu`)
    .find((kind) => kinds.has(kind));
}

function noDriver({ Driver: driver, Capabilities: capabilities }: DeviceRequest, { problems }: CdiDevices) {
  const sets = (capabilities ?? []).map((set) => `[${set.join(' ')}]`).join(' ');
  return system(`could not select device driver "${driver}" with capabilities: [${sets}]`, {
    hint: ['No CDI file describes such devices (nvidia-ctk cdi generate makes one).', ...problems].join(' '),
  });
}
