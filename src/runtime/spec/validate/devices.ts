import type { HostConfig, Ulimit } from '#api/types/host-config.ts';
import { invalid } from '#errors/errors.ts';
import { parseDeviceRule } from '../devices.ts';
import { ULIMIT_NAMES } from '../rlimits.ts';

/** Throws `invalid` for devices, device rules and resource limits that cannot be right on any machine. */
export function checkDevices(hostConfig: HostConfig): void {
  for (const device of hostConfig.Devices ?? []) {
    if (!/^[rwm]*$/.test(device.CgroupPermissions ?? '')) {
      throw invalid(`invalid device mode: ${device.CgroupPermissions}`, {
        hint: 'It is made of the letters r, w and m.',
      });
    }
  }
  (hostConfig.DeviceCgroupRules ?? []).forEach(parseDeviceRule);
  (hostConfig.Ulimits ?? []).forEach(checkUlimit);
}

function checkUlimit({ Name, Hard, Soft }: Ulimit): void {
  if (!ULIMIT_NAMES.has(Name)) {
    throw invalid(`invalid ulimit type: ${Name}`, { hint: `Known names: ${[...ULIMIT_NAMES].join(', ')}.` });
  }
  const unlimited = (value: typeof Hard) => BigInt(value) === -1n;
  if (!unlimited(Hard) && (unlimited(Soft) || Soft > Hard)) {
    throw invalid(`ulimit soft limit must be less than or equal to hard limit: ${Soft} > ${Hard}`);
  }
}
