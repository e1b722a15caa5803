/**
 * The least that is an engine, for tests of the launcher. Arguments: the path to listen on, then what to do.
 * Each connection gets one line once we are ready: our pid, the keys of kept descriptors and of held ports, the signals
 * seen. Then the client may send a command: `spawn` (a sleeper, gives its pid), `run FILE` (one that writes its pid there
 * and is waited for), `exit N`.
 */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { launcherFromEnvironment } from '#linux/launcher.ts';

const [path = '', mode = ''] = process.argv.slice(2);
if (mode.startsWith('early-exit')) process.exit(Number(mode.split('=')[1]));
if (mode === 'early-kill') process.kill(process.pid, 'SIGKILL');

const launcher = await launcherFromEnvironment();
const key = `unix:${path};é`;
const seen: string[] = [];
for (const signal of ['SIGHUP', 'SIGUSR1'] as const) process.on(signal, () => seen.push(signal));
process.on('SIGTERM', async () => {
  await launcher.stopping();
  if (mode !== 'stubborn') process.exit(5);
});

async function serve(client: Socket): Promise<void> {
  client.on('error', () => {});
  await ready;
  const held = await launcher.heldPorts();
  client.write(`${process.pid} ${[...launcher.kept.keys()].join()} ${held.join()} ${seen.join()}\n`);
  for await (const chunk of client) {
    const [command, argument] = String(chunk).trim().split(' ');
    if (command === 'exit') process.exit(Number(argument));
    if (command === 'run') await launcher.run({ argv: ['sh', '-c', `echo $$ > ${argument}; exec sleep 60`] });
    if (command === 'spawn') client.write(String((await launcher.spawn({ argv: ['sleep', '60'] })).pid));
  }
  client.end();
}

async function listen(): Promise<void> {
  const server = createServer({ allowHalfOpen: true }, (client) => void serve(client));
  const inherited = launcher.kept.get(key) ?? launcher.kept.get('fd://0');
  server.listen(inherited === undefined ? { path } : { fd: inherited });
  await once(server, 'listening');
  if (inherited === undefined) {
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
    await launcher.keepDescriptor(key, fd);
    await launcher.holdPort({
      key: 'port',
      protocol: 'tcp',
      address: '127.0.0.1',
      port: 10_000 + (process.pid % 20_000),
    });
  }
  await launcher.ready();
}

const ready = listen();
