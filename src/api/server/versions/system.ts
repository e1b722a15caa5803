import type { SystemInfo } from '#api/types/system.ts';

type OldInfo = SystemInfo & {
  ExecutionDriver?: string;
  BridgeNfIptables?: boolean;
  BridgeNfIp6tables?: boolean;
};

/** The reply of `/info` for version 1.`version`. */
export function downgradeInfo(info: SystemInfo, version: number): OldInfo {
  if (version >= 50) return info;
  const older: OldInfo = { ...info, BridgeNfIptables: false, BridgeNfIp6tables: false };
  delete older.DiscoveredDevices;
  if (version < 49) delete older.FirewallBackend;
  if (version < 42) older.KernelMemory = false;
  if (version < 25) {
    older.ExecutionDriver = '<not supported>';
    older.SecurityOptions = info.SecurityOptions.map((option) => option.replace(/^name=([^,]*).*$/, '$1'));
  }
  return older;
}
