/** What a user of testcontainers does, as a program of its own: it must run in the daemon's network namespace. */
import { text } from 'node:stream/consumers';
import { GenericContainer, Network, Wait } from 'testcontainers';

const WEB = ['sh', '-c', 'echo "the shop is $STATE" > /index.html; echo ready; exec httpd -f -p 80 -h /'];

const consumed: string[] = [];
const network = await new Network().start();
const shop = await new GenericContainer('busybox:latest')
  .withCommand(WEB)
  .withEnvironment({ STATE: 'open' })
  .withExposedPorts(80)
  .withNetwork(network)
  .withNetworkAliases('shop')
  .withTmpFs({ '/scratch': 'rw,size=1m' })
  .withLabels({ session: 'wherry' })
  .withCopyContentToContainer([{ content: 'copied in\n', target: '/given/text', mode: 0o640 }])
  .withLogConsumer((stream) => stream.on('data', (line) => consumed.push(String(line))))
  .withWaitStrategy(
    Wait.forAll([
      Wait.forLogMessage('ready'),
      Wait.forHttp('/', 80),
      Wait.forListeningPorts(),
      Wait.forSuccessfulCommand('test -f /index.html'),
    ]),
  )
  .start();
const given = await shop.exec(['sh', '-c', 'cat /given/text; stat -c %a /given/text; echo $MORE'], {
  env: { MORE: 'env' },
});
const failing = await shop.exec(['sh', '-c', 'echo out; echo err >&2; exit 3'], { user: 'root', workingDir: '/tmp' });
await shop.copyContentToContainer([{ content: 'later\n', target: '/later' }]);
const archive = await text(await shop.copyArchiveFromContainer('/later'));
const customer = await new GenericContainer('busybox:latest')
  .withCommand(['sh', '-c', 'until wget -qO- http://shop/; do sleep 0.05; done; echo bought'])
  .withNetwork(network)
  .withWaitStrategy(Wait.forOneShotStartup())
  .start();
const logs: string[] = [];
// The library's sockets do not keep a program from ending.
setInterval(() => {}, 1000);
for await (const line of await customer.logs()) logs.push(String(line));
const page = await (await fetch(`http://${shop.getHost()}:${shop.getMappedPort(80)}/`)).text();
await shop.restart({ timeout: 0 });
const again = await (await fetch(`http://${shop.getHost()}:${shop.getMappedPort(80)}/`)).text();
const { output, exitCode, stderr } = failing;
const copied = archive.includes('later\n');
const execs = [given.output, output, stderr, exitCode];
console.log(JSON.stringify({ page, again, logs: logs.join(''), execs, copied, consumed: consumed.join('') }));
if (!process.argv.includes('--abandon')) {
  await customer.stop();
  await shop.stop({ timeout: 0 });
  await network.stop();
}
process.exit(0);
