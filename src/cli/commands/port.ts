import { inspectContainer } from '#api/client/containers.ts';
import type { PortMap } from '#api/types/port.ts';
import { defineCommand, print } from '../command.ts';
import { CommandError } from '../errors.ts';

export const command = defineCommand({
  usage: 'CONTAINER [PRIVATE_PORT[/PROTO]]',
  args: { min: 1, max: 2 },
  flags: {},
  async run({ context, args }) {
    const [container = '', wanted] = args;
    const { Ports } = (await inspectContainer(await context.client(), container)).NetworkSettings;
    const lines = wanted === undefined ? allPorts(Ports ?? {}) : onePort(container, wanted, Ports ?? {});
    await print(context.stdout, lines.map((line) => `${line}\n`).join(''));
    return 0;
  },
});

function allPorts(ports: PortMap): string[] {
  const published = Object.entries(ports).flatMap(([key, bindings]) =>
    (bindings ?? []).map((binding) => ({ port: Number.parseInt(key, 10), line: `${key} -> ${address(binding)}` })),
  );
  return published.sort((a, b) => a.port - b.port || (a.line < b.line ? -1 : 1)).map(({ line }) => line);
}

function onePort(container: string, wanted: string, ports: PortMap): string[] {
  const [port = '', protocol = 'tcp'] = wanted.split('/');
  if (!/^\d+$/.test(port)) throw new CommandError(`Error: invalid port: ${port}`);
  const bindings = ports[`${Number(port)}/${protocol}`];
  if (!bindings?.length) throw new CommandError(`Error: No public port '${wanted}' published for ${container}`);
  return bindings.map(address);
}

const address = ({ HostIp, HostPort }: { HostIp: string; HostPort: string }) =>
  `${HostIp.includes(':') ? `[${HostIp}]` : HostIp}:${HostPort}`;
