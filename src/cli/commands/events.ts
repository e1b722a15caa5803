import { systemEvents } from '#api/client/system.ts';
import type { EventMessage } from '#api/types/event.ts';
import { parseExact } from '#lib/json.ts';
import { defineCommand, printLine } from '../command.ts';
import { flag } from '../flags/types.ts';
import { filter, string } from '../flags/values.ts';
import { localTime } from '../format/units.ts';
import { parseMoment } from '../timestamp.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: { min: 0, max: 0 },
  flags: {
    filter: flag(filter, 'Show only what meets a condition, such as type=container', { short: 'f' }),
    format: flag(string, "'json' or a Go TEMPLATE for each event"),
    since: flag(string, 'Start with what happened since a time or for a while'),
    until: flag(string, 'End at this time'),
  },
  async run({ context, values }) {
    const show = await formatter(values.format);
    const events = await systemEvents(await context.client(), {
      since: values.since ? parseMoment(values.since) : undefined,
      until: values.until ? parseMoment(values.until) : undefined,
      filters: values.filter,
    });
    for await (const text of events) await printLine(context, show(text));
    return 0;
  },
});

async function formatter(format: string): Promise<(text: string) => string> {
  if (format === 'json') return (text) => text;
  if (format === '') return (text) => eventLine(parseExact(text) as EventMessage);
  const { objectFormatter } = await import('../format/object.ts');
  const show = objectFormatter(format.replaceAll('\\t', '\t').replaceAll('\\n', '\n'), { typed: true });
  return (text) => show(parseExact(text));
}

/** `2026-11-23T23:09:57.607414231Z container start 4c40... (image=busybox, name=aa)` */
function eventLine(event: EventMessage): string {
  const attributes = Object.entries(event.Actor.Attributes ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`);
  const suffix = attributes.length > 0 ? ` (${attributes.join(', ')})` : '';
  return `${localTime(BigInt(event.timeNano))} ${event.Type} ${event.Action} ${event.Actor.ID}${suffix}`;
}
