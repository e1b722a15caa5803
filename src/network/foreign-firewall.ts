import { readFile } from 'node:fs/promises';
import { isEngineError } from '#errors/errors.ts';
import type { Launcher } from '#linux/launcher-types.ts';

/** A base chain of nft's JSON listing (libnftables-json(5)). */
interface ListedChain {
  family: string;
  table: string;
  name: string;
  hook?: string;
  policy?: string;
}

interface ListedRule {
  chain: string;
  expr: Record<string, unknown>[];
}

type Foreign = Pick<Launcher, 'nft' | 'run'>;

const OWN_TABLE = 'wherry';

/**
 * An accept of ours does not save a packet that another table drops. One line for each foreign chain on the way of
 * forwarded packets that drops what it does not know, unless it names our bridge or accepts everything before.
 */
export async function foreignFirewallWarnings(launcher: Foreign, bridge: string): Promise<string[]> {
  const [modern, legacy] = await Promise.all([nftWarnings(launcher, bridge), legacyWarnings(launcher, bridge)]);
  return [...modern, ...legacy];
}

async function nftWarnings(launcher: Foreign, bridge: string): Promise<string[]> {
  const chains = await list<ListedChain>(launcher, 'list chains', 'chain');
  const warnings: string[] = [];
  for (const chain of chains) {
    if (chain.hook !== 'forward' || chain.table === OWN_TABLE || !['inet', 'ip'].includes(chain.family)) continue;
    const where = `${chain.family} ${chain.table} ${chain.name}`;
    const listed = await list<ListedRule>(launcher, `list chain ${where}`, 'rule').catch(nothingIfUnreadable);
    const rules = listed.filter((rule) => rule.chain === chain.name);
    if (!dropsByDefault(chain, rules) || letsBridgePass(rules, bridge)) continue;
    warnings.push(
      warning(where, chain.policy === 'drop' ? 'has the policy drop' : 'ends with a rule that drops', bridge),
    );
  }
  return warnings;
}

function dropsByDefault(chain: ListedChain, rules: ListedRule[]): boolean {
  const last = rules.at(-1)?.expr;
  return chain.policy === 'drop' || (last !== undefined && isUnconditional(last) && hasVerdict(last, 'drop', 'reject'));
}

/** Whether a rule accepts everything, or what comes from or goes to the bridge. */
function letsBridgePass(rules: ListedRule[], bridge: string): boolean {
  return rules.some(({ expr }) => hasVerdict(expr, 'accept') && (isUnconditional(expr) || namesLink(expr, bridge)));
}

function hasVerdict(expr: Record<string, unknown>[], ...verdicts: string[]): boolean {
  return expr.some((statement) => verdicts.some((verdict) => verdict in statement));
}

/** Counters and log lines are no conditions; what old iptables matches cannot be read and counts as one. */
function isUnconditional(expr: Record<string, unknown>[]): boolean {
  return expr.every(
    (statement) => !('match' in statement || 'xt' in statement || 'vmap' in statement || 'limit' in statement),
  );
}

function namesLink(expr: Record<string, unknown>[], link: string): boolean {
  return expr.some((statement) => 'match' in statement && JSON.stringify(statement).includes(JSON.stringify(link)));
}

/** A chain that has just gone, or whose name nft's own language cannot say: its policy must do. */
function nothingIfUnreadable(error: unknown): ListedRule[] {
  if (isEngineError(error, 'system')) return [];
  throw error;
}

/** The old iptables of the kernel (xtables) is not in nft's listing; only its own program can read it. */
async function legacyWarnings(launcher: Foreign, bridge: string): Promise<string[]> {
  const tables = await readFile('/proc/net/ip_tables_names', 'utf8').catch(() => '');
  if (!tables.split('\n').includes('filter')) return [];
  const argv = ['iptables-legacy', '-S', 'FORWARD'];
  const listing = await launcher.run({ argv, timeoutMs: 2000 }).then(
    ({ stdout }) => stdout.toString(),
    () => '',
  );
  const rules = listing.split('\n');
  const passes = rules.some(
    (rule) => rule === '-A FORWARD -j ACCEPT' || (rule.includes(bridge) && rule.endsWith('-j ACCEPT')),
  );
  const drops = rules.includes('-P FORWARD DROP') && !passes;
  return drops ? [warning('filter FORWARD of iptables-legacy', 'has the policy drop', bridge)] : [];
}

function warning(where: string, how: string, bridge: string): string {
  return (
    `the firewall chain "${where}" ${how} and does not accept packets of ${bridge}: ` +
    `containers cannot reach the outside, nor be reached through published ports, until it does`
  );
}

async function list<T>(launcher: Foreign, command: string, kind: 'chain' | 'rule'): Promise<T[]> {
  const { nftables } = JSON.parse(await launcher.nft(command, { json: true })) as { nftables: Record<string, T>[] };
  return nftables.flatMap((object) => (object[kind] ? [object[kind]] : []));
}
