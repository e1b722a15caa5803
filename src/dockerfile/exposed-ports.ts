import type { StringSet } from '#api/types/scalar.ts';
import { invalid } from '#errors/errors.ts';

const PROTOCOLS: ReadonlySet<string> = new Set(['tcp', 'udp', 'sctp']);
const MAX_PORT = 65535;

/**
 * The keys of `ExposedPorts` that the arguments of EXPOSE mean: `80`, `53/udp`, `8000-8010`; what a publication would
 * say before the container's port (`127.0.0.1:80:80`) says nothing here. Throws `invalid` in Docker's words.
 */
export function exposedPorts(specs: readonly string[]): StringSet {
  return Object.fromEntries(specs.flatMap(portsOf).map((port) => [port, {}]));
}

function portsOf(spec: string): string[] {
  const slash = spec.indexOf('/');
  const range = (slash < 0 ? spec : spec.slice(0, slash)).split(':').at(-1)!;
  const protocol = (slash < 0 ? '' : spec.slice(slash + 1)).toLowerCase() || 'tcp';
  if (range === '') throw invalid(`No port specified: ${spec}<empty>`);
  const [first, last = first] = range.split('-').map(portNumber);
  if (first === undefined || last === undefined || last < first || range.split('-').length > 2) {
    throw invalid(`Invalid containerPort: ${range}`);
  }
  if (!PROTOCOLS.has(protocol)) throw invalid(`Invalid proto: ${protocol}`);
  return Array.from({ length: last - first + 1 }, (_, at) => `${first + at}/${protocol}`);
}

function portNumber(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) <= MAX_PORT ? Number(text) : undefined;
}
