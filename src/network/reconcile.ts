import { describe } from '#errors/errors.ts';
import type { Member, NetworksParts } from './parts.ts';
import { isPortKey, portKey } from './port-holder.ts';
import { isIpv6, type PublishedPort } from './published-port.ts';
import { finishRewiring } from './rewire.ts';
import type { LinkedPort } from './ruleset.ts';
import { listNamespaces } from './sandbox.ts';
import { publishedPorts } from './sandbox-ports.ts';

type Members = ReadonlyMap<string, Member>;

/**
 * Makes kernel and launcher follow the containers that run: their addresses are taken, interrupted changes finished,
 * their ports held and led to them, their links open; what nobody has any more is swept.
 */
export async function reconcileKernel(parts: NetworksParts, members: Members, links: LinkedPort[]): Promise<void> {
  await reconcilePorts(parts, members);
  await sweepNamespaces(parts, members);
  const published = adoptMembers(parts, members);
  await Promise.all([...members.values()].map((member) => finishChange(parts, member)));
  await parts.firewall.open(
    parts.registry.drivers.map(({ rules }) => rules),
    published,
    links,
  );
}

/** Gives what each publishes; who has lost its network publishes nothing. */
function adoptMembers({ registry, log }: NetworksParts, members: Members): Map<string, PublishedPort[]> {
  const published = new Map<string, PublishedPort[]>();
  for (const [containerId, { name, sandbox }] of members) {
    try {
      for (const [network, endpoint] of Object.entries(sandbox.networks))
        registry.driverNamed(network)?.adopt(endpoint);
      published.set(containerId, publishedPorts(sandbox));
    } catch (error) {
      log(`the running container ${name} (${containerId}) has lost its network: ${describe(error)}`);
    }
  }
  return published;
}

async function finishChange(parts: NetworksParts, { name, sandbox }: Member): Promise<void> {
  if (!sandbox.changing) return;
  try {
    await finishRewiring(parts, sandbox);
  } catch (error) {
    parts.log(`cannot finish changing the networks of the running container ${name}: ${describe(error)}`);
  }
}

async function reconcilePorts({ launcher, publisher, ipv6, log }: NetworksParts, members: Members): Promise<void> {
  const held = new Set(await launcher.heldPorts());
  const wanted = new Set<string>();
  for (const [containerId, { name, sandbox }] of members) {
    for (const port of publishedPorts(sandbox)) {
      const key = portKey(containerId, port);
      wanted.add(key);
      if (!isIpv6(port) && held.has(key)) continue;
      await publisher.holder
        .holdAgain(containerId, port)
        .catch((error) =>
          log(`cannot hold port ${port.hostPort} of the running container ${name}: ${describe(error)}`),
        );
    }
  }
  const isLeft = (key: string) => isPortKey(key) && !wanted.has(key);
  await Promise.all([...held].filter(isLeft).map((key) => launcher.release(key)));
  await Promise.all([...launcher.kept.keys()].filter(isLeft).map((key) => ipv6?.forget(key)));
}

async function sweepNamespaces({ launcher, folder }: NetworksParts, members: Members): Promise<void> {
  const used = new Set([...members.values()].map(({ sandbox }) => sandbox.netnsPath));
  const left = (await listNamespaces(folder)).filter((path) => !used.has(path));
  await Promise.all(left.map((path) => launcher.deleteNetns(path)));
}
