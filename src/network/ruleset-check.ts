import { isEngineError } from '#errors/errors.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import { isIpv6, type PublishedPort } from './published-port.ts';
import { type BridgeRules, countRules, elementText, PROTOCOL_NUMBERS, TABLE } from './ruleset.ts';

/** One object of nft's JSON listing (libnftables-json(5)), as far as it is read here. */
interface ListedObject {
  rule?: unknown;
  map?: { name: string; elem?: [key: { concat: (string | number)[] }, value: { concat: (string | number)[] }][] };
}

/** Whether the kernel's table lacks or has anything beyond what it should; true also when there is no table. */
export async function differsFromTable(
  launcher: Pick<Launcher, 'nft'>,
  bridges: BridgeRules[],
  published: PublishedPort[],
): Promise<boolean> {
  let listing: string;
  try {
    listing = await launcher.nft(`list table ${TABLE}`, { json: true });
  } catch (error) {
    if (isEngineError(error) && error.message.includes('No such file or directory')) return true;
    throw error;
  }
  const { nftables } = JSON.parse(listing) as { nftables: ListedObject[] };
  const rules = nftables.filter(({ rule }) => rule !== undefined).length;
  const elements = nftables.flatMap(({ map }) => map?.elem ?? []).map(listedElement);
  const expected = new Set(published.filter((port) => !isIpv6(port)).map(elementText));
  return (
    rules !== countRules(bridges) ||
    elements.length !== expected.size ||
    elements.some((element) => !expected.has(element))
  );
}

/** Back to the text of `elementText`: nft lists protocols by name where the host knows their names. */
function listedElement([key, value]: [{ concat: (string | number)[] }, { concat: (string | number)[] }]): string {
  const [protocol, ...rest] = key.concat;
  const number = PROTOCOL_NUMBERS[protocol as keyof typeof PROTOCOL_NUMBERS] ?? protocol;
  return `${[number, ...rest].join(' . ')} : ${value.concat.join(' . ')}`;
}
