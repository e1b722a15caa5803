import { type Context, defineCommand, print } from '../command.ts';
import { DEFAULT_DESCRIPTION, defaultContext } from '../contexts/default-context.ts';
import { listContexts, readContext, type StoredContext } from '../contexts/store.ts';
import { flag } from '../flags/types.ts';
import { bool, string } from '../flags/values.ts';
import { type ContextRow, contextColumns, contextFields, shortError } from '../format/context-fields.ts';
import { renderList } from '../format/list.ts';
import { compareNaturally } from '../format/natural-order.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: { min: 0, max: 0 },
  flags: {
    format: flag(string, "'table', 'json', 'table TEMPLATE' or a Go TEMPLATE for each context"),
    quiet: flag(bool, 'Show names only', { short: 'q' }),
  },
  async run({ context, values }) {
    const { format } = values;
    const rows = await listRows(context);
    if (format === 'json') {
      const lines = rows.map((row) => `${JSON.stringify({ ...row, ContextType: 'moby' })}\n`);
      await print(context.stdout, lines.join(''));
    } else {
      const isTable = format === '' || /^table\b/.test(format);
      const fields = contextFields(isTable && !values.quiet);
      const options = { format, columns: contextColumns, quiet: values.quiet ? 'Name' : undefined };
      await print(context.stdout, await renderList(rows, fields, options));
    }
    const overriding = ['WHERRY_HOST', 'DOCKER_HOST'].find((name) => context.env[name]);
    if (overriding) {
      await print(
        context.stderr,
        `Warning: ${overriding} environment variable overrides the active context. To use a context, either set the ` +
          `global --context flag, or unset ${overriding} environment variable.\n`,
      );
    }
    return 0;
  },
});

async function listRows(context: Context): Promise<ContextRow[]> {
  const current = await context.contextName();
  const all = [describedDefault(context), ...(await listContexts(context.configFolder))];
  const rows = all.map((stored) => rowOf(stored, current));
  if (!all.some(({ Name }) => Name === current)) {
    const error: Error = await readContext(context.configFolder, current).then(
      () => new Error(),
      (reason) => reason,
    );
    rows.push({ Name: current, Description: '', DockerEndpoint: '', Current: true, Error: shortError(error.message) });
  }
  return rows.sort((a, b) => compareNaturally(a.Name, b.Name));
}

function describedDefault(context: Context): StoredContext {
  return { ...defaultContext(context), Metadata: { Description: DEFAULT_DESCRIPTION } };
}

const rowOf = ({ Name, Metadata, Endpoints }: StoredContext, current: string): ContextRow => ({
  Name,
  Description: Metadata.Description ?? '',
  DockerEndpoint: Endpoints.docker?.Host ?? '',
  Current: Name === current,
  Error: '',
});
