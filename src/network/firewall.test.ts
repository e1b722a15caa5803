import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { startLauncher, type TestLauncher } from '#test/support/launcher.ts';
import { inOwnNamespace } from '#test/support/netns.ts';
import { Firewall } from './firewall.ts';
import type { PublishedPort } from './published-port.ts';
import { type BridgeRules, changeElements, type LinkedPort, replaceTable } from './ruleset.ts';

const run = promisify(execFile);
const nft = async (...words: string[]): Promise<string> => (await run('nft', words)).stdout;

const BRIDGES: BridgeRules[] = [
  { link: 'wherry0', subnet: '172.17.0.0/16', masquerade: true, internal: false, icc: true },
];

const LINKS: LinkedPort[] = [{ from: '172.17.0.2', to: '172.17.0.3', protocol: 'tcp', port: 5432 }];

function port(hostPort: number, more: Partial<PublishedPort> = {}): PublishedPort {
  const base = { protocol: 'tcp', hostAddress: '0.0.0.0', containerAddress: '172.17.0.2', containerPort: 80 } as const;
  return { ...base, hostPort, ...more };
}

async function elements(): Promise<string[]> {
  const text = await nft('list', 'table', 'inet', 'wherry');
  return [...text.matchAll(/(?:tcp|udp|sctp) \. [\d .]+ : [\d .]+\d/g)].map(([element]) => element).sort();
}

async function eventually(holds: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, `still not so: ${holds}`);
    await new Promise((next) => setTimeout(next, 20));
  }
}

if (inOwnNamespace(import.meta.filename)) {
  describe('the nft table', () => {
    let launcher: TestLauncher;
    let firewall: Firewall;
    let log: string[];

    before(async () => {
      launcher = await startLauncher();
    });
    after(() => launcher.close());

    beforeEach(async () => {
      log = [];
      firewall = new Firewall({ launcher: launcher.launcher, log: (line) => void log.push(line), watchMs: 50 });
      await firewall.open(BRIDGES, new Map([['running', [port(1), port(1, { protocol: 'sctp' })]]]), LINKS);
    });
    afterEach(async () => {
      await firewall.close();
      await nft('flush', 'ruleset');
    });

    test('holds what running containers publish, and what comes and goes', async () => {
      await firewall.publish('a', [port(2, { hostAddress: '127.0.0.1' }), port(3, { protocol: 'udp' })]);
      const running = ['sctp . 1 : 172.17.0.2 . 80', 'tcp . 1 : 172.17.0.2 . 80'];
      assert.deepEqual(await elements(), [
        'sctp . 1 : 172.17.0.2 . 80',
        'tcp . 1 : 172.17.0.2 . 80',
        'tcp . 127.0.0.1 . 2 : 172.17.0.2 . 80',
        'udp . 3 : 172.17.0.2 . 80',
      ]);
      firewall.withdraw('a');
      await eventually(async () => (await elements()).length === 2);
      assert.deepEqual(await elements(), running);
    });

    test('a port passes to its next owner at once', async () => {
      await firewall.publish('a', [port(7)]);
      firewall.withdraw('a');
      await firewall.publish('b', [port(7, { containerAddress: '172.17.0.9' })]);
      assert.ok((await elements()).includes('tcp . 7 : 172.17.0.9 . 80'));
      await firewall.close();
      assert.ok((await elements()).includes('tcp . 7 : 172.17.0.9 . 80'));
    });

    test('our own changes are not mistaken for those of others', async () => {
      for (let round = 0; round < 10; round++) {
        await firewall.publish(`c${round}`, [port(100 + round)]);
        assert.equal(await firewall.verify(), false);
        firewall.withdraw(`c${round}`);
        assert.equal(await firewall.verify(), false);
      }
      assert.deepEqual(log, []);
    });

    const damages: [what: string, command: string[]][] = [
      ['a flushed ruleset', ['flush', 'ruleset']],
      ['a deleted table', ['delete', 'table', 'inet', 'wherry']],
      ['a flushed chain', ['flush', 'chain', 'inet', 'wherry', 'inbound']],
      ['a flushed map', ['flush', 'map', 'inet', 'wherry', 'published']],
      ['a flushed set of links', ['flush', 'set', 'inet', 'wherry', 'links']],
      ['a deleted element', ['delete', 'element', 'inet', 'wherry', 'published', '{', '6 . 1', '}']],
    ];
    for (const [what, command] of damages) {
      test(`${what} is repaired`, async () => {
        const whole = await nft('list', 'table', 'inet', 'wherry');
        await nft(...command);
        await eventually(() => log.length > 0);
        await eventually(async () => (await nft('list', 'table', 'inet', 'wherry')) === whole);
        assert.match(log[0]!, /changed by somebody else/);
      });
    }

    test('publishing works even before a removed table has been missed', async () => {
      await nft('delete', 'table', 'inet', 'wherry');
      await firewall.publish('a', [port(2)]);
      assert.equal((await elements()).length, 3);
    });

    test('an idle connection through a published port survives a flush and the repair', async (t) => {
      const accepted: Socket[] = [];
      const server = createServer((socket) => void accepted.push(socket.on('data', (data) => socket.write(data))));
      await once(server.listen(8000, '127.0.0.2'), 'listening');
      await firewall.publish('a', [port(9000, { containerAddress: '127.0.0.2', containerPort: 8000 })]);
      const client = connect(9000, '127.0.0.1');
      t.after(() => {
        client.destroy();
        for (const socket of accepted) socket.destroy();
        server.close();
      });
      const echo = async (text: string) => {
        client.write(text);
        return String((await once(client, 'data'))[0]);
      };
      assert.equal(await echo('before'), 'before');
      await nft('flush', 'ruleset');
      await eventually(async () => log.length > 0 && !(await firewall.verify()));
      assert.equal(await echo('after'), 'after');
    });

    test('links are replaced by others', async () => {
      const listed = async () => (await nft('list', 'set', 'inet', 'wherry', 'links')).match(/172[^,}]*\d/g);
      assert.deepEqual(await listed(), ['172.17.0.2 . 172.17.0.3 . tcp . 5432']);
      await firewall.setLinks([{ from: '172.17.0.4', to: '172.17.0.3', protocol: 'udp', port: 53 }]);
      assert.deepEqual(await listed(), ['172.17.0.4 . 172.17.0.3 . udp . 53']);
      assert.equal(await firewall.verify(), false);
      await firewall.setLinks([]);
      assert.equal(await listed(), null);
      assert.equal(await firewall.verify(), false);
    });

    test('other tables are left alone', async () => {
      await nft(
        'add table ip theirs; add chain ip theirs forward { type filter hook forward priority 0; policy drop; }',
      );
      const theirs = await nft('list', 'table', 'ip', 'theirs');
      await firewall.publish('a', [port(2)]);
      await firewall.open(BRIDGES, new Map());
      assert.equal(await nft('list', 'table', 'ip', 'theirs'), theirs);
    });
  });
}

test('thousands of ports are more than one transaction, none of them too long for the launcher', () => {
  const ports = Array.from({ length: 65_535 }, (_, index) => port(index + 1, { containerPort: index + 1 }));
  const transactions = replaceTable(BRIDGES, [], ports);
  assert.ok(transactions.length > 1);
  assert.ok(transactions.every((text) => text.length < 1 << 19));
  assert.equal(transactions.join('').match(/6 \. /g)!.length, ports.length);
});

test('ports on IPv6 addresses are no elements', () => {
  assert.equal(changeElements('add', [port(1, { hostAddress: '::' })]), '');
});
