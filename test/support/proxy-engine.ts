/**
 * An engine that does nothing but publish one port over IPv6, for tests with the launcher. Arguments: the port of the
 * host, the port of the container. Prints its pid when it serves.
 */
import { launcherFromEnvironment } from '#linux/launcher.ts';
import { Ipv6Proxy } from '#network/ipv6-proxy.ts';

const [hostPort, containerPort] = process.argv.slice(2).map(Number);
const launcher = await launcherFromEnvironment();
await new Ipv6Proxy(launcher).listen('port/test', {
  protocol: 'tcp',
  hostAddress: '::',
  hostPort: hostPort!,
  containerAddress: '127.0.0.1',
  containerPort: containerPort!,
});
await launcher.ready();
console.log(process.pid);
