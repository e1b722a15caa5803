import { checkStore } from '#api/client/system.ts';
import type { CheckAux, CheckProblem, CheckSummary } from '#api/types/check.ts';
import { defineCommand, printLine } from '../command.ts';
import { CommandError } from '../errors.ts';
import { flag } from '../flags/types.ts';
import { bool, string } from '../flags/values.ts';
import { showProgress } from '../format/progress.ts';
import { humanSize } from '../format/units.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: { min: 0, max: 0 },
  flags: {
    format: flag(string, "'json': each problem and the summary as a JSON object"),
    repair: flag(bool, 'Put right what can be; nothing that somebody wrote is deleted'),
  },
  async run({ context, values }) {
    if (values.format !== '' && values.format !== 'json') throw new CommandError(`unknown format: ${values.format}`);
    const messages = await checkStore(await context.client(), { repair: values.repair });
    const said: CheckAux[] = [];
    await showProgress(messages, context.stderr, (aux) => said.push(aux as CheckAux));
    if (values.format === 'json') for (const aux of said) await printLine(context, JSON.stringify(aux));
    else
      for (const aux of said)
        await printLine(context, 'problem' in aux ? problemText(aux.problem) : summaryText(aux.summary));
    const summary = said.flatMap((aux) => ('summary' in aux ? [aux.summary] : []))[0];
    if (!summary) throw new CommandError('the daemon ended before the check did', { hint: 'Look into its log.' });
    return summary.found + summary.lost > 0 ? 1 : 0;
  },
});

const REMEDY: Record<CheckProblem['outcome'], string> = { found: '--repair', repaired: 'repaired', lost: 'to do' };

function problemText({ subject, problem, path, effect, remedy, outcome }: CheckProblem): string {
  const lines = [
    `${outcome.toUpperCase()}: ${subject}: ${problem}`,
    ...(path ? [`  where:    ${path}`] : []),
    `  means:    ${effect}`,
    `  ${`${REMEDY[outcome]}:`.padEnd(10)}${remedy}`,
  ];
  return `${lines.join('\n')}\n`;
}

function summaryText(summary: CheckSummary): string {
  const { layers, bytes, images, containers, volumes, found, repaired, lost, quarantined, restarts } = summary;
  const counts = [
    count(layers, 'layer'),
    count(images, 'image'),
    count(containers, 'container'),
    count(volumes, 'volume'),
  ];
  const outcome =
    found + repaired + lost === 0
      ? 'nothing is wrong'
      : [
          found > 0 ? `${count(found, 'problem')} that --repair puts right` : '',
          repaired > 0 ? `${count(repaired, 'problem')} repaired` : '',
          lost > 0 ? `${count(lost, 'loss', 'losses')} that no repair brings back` : '',
        ]
          .filter(Boolean)
          .join(', ');
  const lines = [`Checked ${counts.join(', ')} (${humanSize(bytes)} of layers): ${outcome}.`];
  if (quarantined.length > 0)
    lines.push('In quarantine, to be looked at and deleted by you:', ...quarantined.map((path) => `  ${path}`));
  if (restarts) lines.push('The engine starts again now.');
  return lines.join('\n');
}

const count = (number: number, one: string, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;
