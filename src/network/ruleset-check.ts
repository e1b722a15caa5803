import { isEngineError } from '#errors/errors.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import { isIpv6, type PublishedPort } from './published-port.ts';
import {
  type BridgeRules,
  countRules,
  elementText,
  type LinkedPort,
  linkText,
  PROTOCOL_NUMBERS,
  TABLE,
} from './ruleset.ts';

type Concatenation = { concat: (string | number)[] };

/** One object of nft's JSON listing (libnftables-json(5)), as far as it is read here. */
interface ListedObject {
  rule?: unknown;
  map?: { name: string; elem?: [key: Concatenation, value: Concatenation][] };
  set?: { name: string; elem?: (string | Concatenation)[] };
}

/** What the table should hold. */
export interface ExpectedTable {
  bridges: BridgeRules[];
  links: LinkedPort[];
  published: PublishedPort[];
}

/** Whether the kernel's table lacks or has anything beyond what it should; true also when there is no table. */
export async function differsFromTable(
  launcher: Pick<Launcher, 'nft'>,
  { bridges, links, published }: ExpectedTable,
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
  const elements = nftables.flatMap(({ map }) => map?.elem ?? []);
  const linked = nftables.flatMap(({ set }) => (set?.name === 'links' ? (set.elem ?? []) : [])) as Concatenation[];
  const ports = published.filter((port) => !isIpv6(port));
  return (
    rules !== countRules(bridges) ||
    differ(
      elements.map((pair) => pair.map(listedText).join(' : ')),
      ports.map(elementText),
    ) ||
    differ(linked.map(listedText), links.map(linkText))
  );
}

function differ(listed: string[], expected: string[]): boolean {
  const wanted = new Set(expected);
  return listed.length !== wanted.size || listed.some((element) => !wanted.has(element));
}

/** Back to the text of `elementText` and `linkText`: nft lists protocols by name where the host knows their names. */
function listedText({ concat }: Concatenation): string {
  return concat.map((part) => PROTOCOL_NUMBERS[part as keyof typeof PROTOCOL_NUMBERS] ?? part).join(' . ');
}
