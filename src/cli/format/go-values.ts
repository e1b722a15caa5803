/**
 * JSON of the Engine API as the values that docker's templates see: a decoded struct (fields with zero values), or, where a
 * template does not fit the struct, the raw JSON (maps that know their own keys only).
 */
import { nilMap, nilPointer, nilSlice, type Value } from '../template/values.ts';

/** The fields whose value is a map, by name; `Config` is one inside `LogConfig` only. */
const mapFields = new Set(
  (
    'Labels Annotations Sysctls Tmpfs StorageOpt Ports PortBindings ExposedPorts Volumes Networks DriverOpts Options Data ' +
    'Attributes Runtimes IndexConfigs Containers AuxiliaryAddresses Details annotations LogConfig.Config'
  ).split(' '),
);

/** Fields that may be null, by their kind; any other null is a pointer. */
const sliceFields = new Set(
  (
    'Env Cmd Entrypoint OnBuild Shell Binds VolumesFrom CapAdd CapDrop Dns DnsOptions DnsSearch ExtraHosts GroupAdd Links ' +
    'SecurityOpt MaskedPaths ReadonlyPaths Devices DeviceCgroupRules DeviceRequests Ulimits Mounts Aliases DNSNames ExecIDs ' +
    'SecondaryIPAddresses SecondaryIPv6Addresses BlkioWeightDevice BlkioDeviceReadBps BlkioDeviceWriteBps ' +
    'BlkioDeviceReadIOps BlkioDeviceWriteIOps RepoTags RepoDigests Warnings Authorization Mirrors Log'
  ).split(' '),
);

/**
 * Fields that the daemon leaves out when they are empty, by the field that their struct always has. A template can name
 * them; what prints or encodes the whole struct leaves them out as well.
 */
const omitted: { beside: string; zeros: Record<string, Value> }[] = [
  { beside: 'OOMKilled', zeros: { Health: nilPointer } },
  {
    beside: 'OnBuild',
    zeros: {
      ExposedPorts: nilMap,
      Healthcheck: nilPointer,
      MacAddress: '',
      NetworkDisabled: false,
      Shell: nilSlice,
      StopSignal: '',
      StopTimeout: nilPointer,
    },
  },
  {
    beside: 'AutoRemove',
    zeros: {
      Annotations: nilMap,
      Init: nilPointer,
      Mounts: nilSlice,
      Runtime: '',
      StorageOpt: nilMap,
      Sysctls: nilMap,
      Tmpfs: nilMap,
    },
  },
  { beside: 'RestartCount', zeros: { SizeRw: nilPointer, SizeRootFs: nilPointer } },
  { beside: 'RepoDigests', zeros: { Variant: '', OsVersion: '', Created: '' } },
  { beside: 'timeNano', zeros: { status: '', id: '', from: '' } },
  { beside: 'Destination', zeros: { Name: '', Driver: '' } },
];

/** The value as a Go struct: names in {@link mapFields} are maps, nulls are typed, left-out fields have their zero. */
export function asStruct(json: unknown, field = '', parent = ''): Value {
  if (json === null || json === undefined) return nullOf(field, parent);
  if (Array.isArray(json)) return json.map((item) => asStruct(item, '', field));
  if (typeof json !== 'object') return json;
  const entries = Object.entries(json).map(([key, item]): [string, Value] => [key, asStruct(item, key, field)]);
  if (isMap(field, parent)) return new Map(entries);
  const struct: Record<string, Value> = Object.fromEntries(entries);
  for (const { beside, zeros } of omitted) {
    if (!(beside in struct)) continue;
    for (const [name, value] of Object.entries(zeros)) {
      if (!(name in struct)) Object.defineProperty(struct, name, { value, enumerable: false });
    }
  }
  return struct;
}

const isMap = (field: string, parent: string) => mapFields.has(field) || mapFields.has(`${parent}.${field}`);

function nullOf(field: string, parent: string): Value {
  if (isMap(field, parent)) return nilMap;
  return sliceFields.has(field) || parent === 'Ports' || parent === 'PortBindings' ? nilSlice : nilPointer;
}

/** The value as decoded JSON: every object is a map, null has no value. */
export function asMaps(json: unknown): Value {
  if (Array.isArray(json)) return json.map(asMaps);
  if (typeof json !== 'object' || json === null) return json;
  return new Map(Object.entries(json).map(([key, item]) => [key, asMaps(item)]));
}
