import type { NetworkCreateRequest } from '#api/types/network.ts';
import { describe, forbidden, invalid, notFound, system } from '#errors/errors.ts';
import { Mutex } from '#lib/locks.ts';
import { fault } from '#lib/write-steps.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import { sendNetlink } from '#linux/netlink.ts';
import { deleteLink } from '#linux/netlink-link.ts';
import { ensureBridge } from './bridge.ts';
import { BridgeDriver } from './bridge-driver.ts';
import { bridgeTraits } from './bridge-traits.ts';
import type { Firewall } from './firewall.ts';
import { type HostNetwork, readHostNetwork } from './host-network.ts';
import { deleteRecord, isPredefined, type NetworkRecord, type NetworkStore, saveRecord } from './network-record.ts';
import { planNetwork } from './plan-network.ts';
import type { NetworkSettings } from './settings.ts';

export interface RegistryParts {
  store: NetworkStore;
  launcher: Launcher;
  /** The folder of pinned namespaces. */
  folder: string;
  settings: NetworkSettings;
  /** By name. */
  records: Map<string, NetworkRecord>;
  firewall: Firewall;
  log: (message: string) => void;
}

/** Which networks there are: their rows, their bridges, their part of the rules. */
export class NetworkRegistry {
  readonly #parts: RegistryParts;
  /** By network id. */
  readonly #drivers = new Map<string, BridgeDriver>();
  /** One network at a time comes or goes: each looks at what the others have. */
  readonly #lock = new Mutex();

  constructor(parts: RegistryParts) {
    this.#parts = parts;
  }

  get records(): NetworkRecord[] {
    return [...this.#parts.records.values()];
  }

  get drivers(): BridgeDriver[] {
    return [...this.#drivers.values()];
  }

  /** The network of this name, id or unambiguous start of an id; throws Docker's `network x not found`. */
  resolve(name: string): NetworkRecord {
    const { records } = this.#parts;
    const exact = records.get(name === 'default' ? 'bridge' : name);
    if (exact) return exact;
    const matches = name === '' ? [] : [...records.values()].filter(({ id }) => id.startsWith(name));
    if (matches.length > 1)
      throw invalid(`network ${name} is ambiguous (${matches.length} matches found on ID prefix)`);
    if (!matches[0]) throw notFound(`network ${name} not found`);
    return matches[0];
  }

  /** What brings containers onto a bridge network. Throws `system` when its bridge could not be made. */
  driver({ id, name }: NetworkRecord): BridgeDriver {
    const driver = this.#drivers.get(id);
    if (!driver)
      throw system(`the bridge of the network ${name} is not there`, { hint: 'The log of the daemon says why.' });
    return driver;
  }

  /** The driver of a network that is one of bridges, also by the name of one that is gone. */
  driverNamed(name: string): BridgeDriver | undefined {
    return this.#drivers.get(this.#parts.records.get(name)?.id ?? '');
  }

  /** Makes every network's bridge be there, at the engine's start. What cannot be is said in the log, and left out. */
  async open(host: HostNetwork): Promise<void> {
    for (const record of this.records) {
      if (!record.bridge) continue;
      try {
        await this.#openBridge(record, host);
      } catch (error) {
        if (isPredefined(record.name)) throw error;
        this.#parts.log(`cannot make the bridge of the network ${record.name}: ${describe(error)}`);
      }
    }
  }

  /** `POST /networks/create`: the row is the commit point, the bridge follows; both are there when it resolves. */
  async create(asked: NetworkCreateRequest): Promise<NetworkRecord> {
    return await this.#lock.run(async () => {
      const { records, store, settings, launcher } = this.#parts;
      const host = await readHostNetwork(launcher);
      const record = planNetwork(asked, { records: records.values(), host, settings });
      await saveRecord(store, record);
      fault('network.create.commit');
      try {
        if (record.bridge) await this.#openBridge(record, host);
        fault('network.create.bridge');
        await this.#applyRules();
      } catch (error) {
        await this.#takeDown(record);
        throw error;
      }
      records.set(record.name, record);
      return record;
    });
  }

  /**
   * Removes a network of the user's; `used` says whether it has endpoints. Throws `forbidden` for one that has, and for
   * those that the engine makes. An engine that is killed meanwhile has the network still, or no trace of it.
   */
  async remove(name: string, used: (record: NetworkRecord) => boolean): Promise<NetworkRecord> {
    return await this.#lock.run(async () => {
      const record = this.resolve(name);
      if (isPredefined(record.name)) {
        throw forbidden(`${record.name} is a pre-defined network and cannot be removed`);
      }
      if (used(record)) {
        throw forbidden(`error while removing network: network ${record.name} id ${record.id} has active endpoints`, {
          hint: 'Disconnect or stop the containers that `network inspect` shows.',
        });
      }
      const { records } = this.#parts;
      records.delete(record.name);
      try {
        await this.#takeDown(record);
      } catch (error) {
        records.set(record.name, record);
        throw error;
      }
      return record;
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.drivers.map((driver) => driver.close()));
  }

  async #openBridge(record: NetworkRecord, host: HostNetwork): Promise<void> {
    const { launcher, folder, settings, log } = this.#parts;
    const traits = bridgeTraits(record, settings);
    const { index } = await ensureBridge(launcher, record.bridge!, traits, host);
    const driver = new BridgeDriver({
      launcher,
      folder,
      network: { ...record.bridge!, id: record.id },
      bridgeIndex: index,
      traits,
      poolSize: isPredefined(record.name) ? settings.poolSize : 0,
      log,
    });
    this.#drivers.set(record.id, driver);
  }

  /** The bridge goes before the row: a row without a bridge gets one at the next start, a bridge without a row would stay. */
  async #takeDown(record: NetworkRecord): Promise<void> {
    const { launcher, store } = this.#parts;
    await this.#drivers.get(record.id)?.close();
    this.#drivers.delete(record.id);
    if (record.bridge) {
      await this.#applyRules();
      await sendNetlink(launcher, [deleteLink(record.bridge.link)]);
    }
    fault('network.remove.bridge');
    await deleteRecord(store, record);
    fault('network.remove.commit');
  }

  async #applyRules(): Promise<void> {
    await this.#parts.firewall.setBridges(this.drivers.map(({ rules }) => rules));
  }
}
