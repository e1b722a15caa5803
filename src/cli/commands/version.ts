import { systemVersion } from '#api/client/system.ts';
import type { SystemVersion } from '#api/types/system.ts';
import { type Context, defineCommand, print } from '../command.ts';
import { flag } from '../flags/types.ts';
import { string } from '../flags/values.ts';
import { objectFormatter } from '../format/object.ts';
import { alignPairs } from '../format/pairs.ts';
import { clientVersion } from '../product.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: { min: 0, max: 0 },
  flags: { format: flag(string, "'json' or a Go TEMPLATE", { short: 'f' }) },
  async run({ context, values }) {
    const client = await context.client();
    const server = await systemVersion(client).catch((error: Error) => error);
    const Client = await clientVersion(client.version(), await context.contextName());
    const Server = server instanceof Error ? undefined : server;
    if (values.format !== '') {
      await print(context.stdout, `${objectFormatter(values.format, { typed: true })({ Client, Server })}\n`);
    } else {
      await printVersions(context, Client, Server);
    }
    if (server instanceof Error) throw server;
    return 0;
  },
});

type ClientVersion = Awaited<ReturnType<typeof clientVersion>>;

async function printVersions(context: Context, client: ClientVersion, server?: SystemVersion): Promise<void> {
  const blocks = [
    `Client:\n${alignPairs(
      [
        ['Version', client.Version],
        ['API version', client.ApiVersion],
        ['Node.js version', client.NodeVersion],
        ['OS/Arch', `${client.Os}/${client.Arch}`],
        ['Context', client.Context],
      ],
      { indent: 1 },
    )}`,
  ];
  if (server) blocks.push(serverBlock(server));
  await print(context.stdout, blocks.join('\n'));
}

function serverBlock(server: SystemVersion): string {
  const heading = server.Platform?.Name ? `Server: ${server.Platform.Name}\n` : 'Server:\n';
  const components = (server.Components ?? []).map((component) => {
    const details = component.Details ?? {};
    const pairs = component.Name === 'Engine' ? engineDetails(details) : Object.entries(details).sort();
    return ` ${component.Name}:\n${alignPairs([['Version', component.Version], ...pairs], { indent: 2 })}`;
  });
  return heading + components.join('');
}

function engineDetails(details: Record<string, string>): [string, string][] {
  const minimum = details.MinAPIVersion ? ` (minimum version ${details.MinAPIVersion})` : '';
  const shown: [label: string, value: string | undefined][] = [
    ['API version', details.ApiVersion && `${details.ApiVersion}${minimum}`],
    ['Go version', details.GoVersion],
    ['Node.js version', details.NodeVersion],
    ['Git commit', details.GitCommit],
    ['Built', details.BuildTime && buildTime(details.BuildTime)],
    ['OS/Arch', details.Os && `${details.Os}/${details.Arch}`],
    ['Experimental', details.Experimental],
  ];
  return shown.filter((pair): pair is [string, string] => pair[1] !== undefined);
}

/** `Thu Aug 13 05:35:48 2026`, in UTC; a text that is no time stays as it is. */
function buildTime(text: string): string {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return text;
  const [weekday, day, month, year, clock] = time.toUTCString().replace(',', '').split(' ');
  return `${weekday} ${month} ${day!.replace(/^0/, ' ')} ${clock} ${year}`;
}
