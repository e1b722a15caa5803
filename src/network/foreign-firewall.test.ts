import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { inOwnNamespace } from '#test/support/netns.ts';
import { openTestNetworks, type TestNetworks } from '#test/support/networks.ts';

const run = promisify(execFile);

if (inOwnNamespace(import.meta.filename)) {
  describe('warnings about other firewalls', () => {
    let engine: TestNetworks;
    before(async () => {
      engine = await openTestNetworks({ poolSize: 1 });
      await engine.networks.reconcile([]);
    });
    after(() => engine.close());

    const warnings = () => engine.networks.warnings();
    const FILTER =
      'add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }';
    const REFUSED = /"ip filter FORWARD" has the policy drop and does not accept packets of wherry0/;

    test('none without them', async () => {
      assert.deepEqual(await warnings(), []);
    });

    test('a policy that drops, until a rule lets the bridge pass', async (t) => {
      await run('nft', [FILTER]);
      t.after(() => run('nft', ['delete', 'table', 'ip', 'filter']));
      const found = await warnings();
      assert.equal(found.length, 1);
      assert.match(found[0]!, REFUSED);
      await run('nft', ['add rule ip filter FORWARD oifname "docker0" accept']);
      assert.match((await warnings()).join(), REFUSED);
      await run('nft', ['add rule ip filter FORWARD oifname "wherry0" counter accept']);
      assert.deepEqual(await warnings(), []);
    });

    test('a last rule that rejects', async (t) => {
      await run('nft', [
        'add table inet fw; add chain inet fw pass { type filter hook forward priority 10; policy accept; };' +
          'add rule inet fw pass ct state established accept; add rule inet fw pass counter reject',
      ]);
      t.after(() => run('nft', ['delete', 'table', 'inet', 'fw']));
      assert.match((await warnings()).join(), /"inet fw pass" ends with a rule that drops/);
    });

    test('chains that drop something particular, or elsewhere, are no matter', async (t) => {
      await run('nft', [
        'add table inet fw; add chain inet fw pass { type filter hook forward priority 10; policy accept; };' +
          'add rule inet fw pass tcp dport 25 drop;' +
          'add chain inet fw entry { type filter hook input priority 0; policy drop; }; add rule inet fw entry accept',
      ]);
      t.after(() => run('nft', ['delete', 'table', 'inet', 'fw']));
      assert.deepEqual(await warnings(), []);
    });

    test('the old iptables of the kernel', async (t) => {
      await run('iptables-legacy', ['-P', 'FORWARD', 'DROP']);
      t.after(() => run('iptables-legacy', ['-P', 'FORWARD', 'ACCEPT']));
      assert.match((await warnings()).join(), /"filter FORWARD of iptables-legacy" has the policy drop/);
      await run('iptables-legacy', ['-A', 'FORWARD', '-o', 'wherry0', '-j', 'ACCEPT']);
      assert.deepEqual(await warnings(), []);
    });

    test('forwarding switched off', async (t) => {
      await run('sysctl', ['-qw', 'net.ipv4.ip_forward=0']);
      t.after(() => run('sysctl', ['-qw', 'net.ipv4.ip_forward=1']));
      assert.deepEqual(await warnings(), ['IPv4 forwarding is disabled']);
    });
  });
}
