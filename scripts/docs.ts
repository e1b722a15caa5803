/** Writes what docs/user has from the code: the daemon's options, the API's routes, the flags of `run`. `make docs`; a test compares. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { routes } from '#api/server/routes.ts';
import { routesPage } from '#api/server/routes-doc.ts';
import { CONFIG_OPTIONS, type ConfigOption } from '#daemon/config/config-options.ts';
import { flagsPage } from './flags-doc.ts';

const folder = join(import.meta.dirname, '../docs/user');

/** File -> its whole text, with the generated parts as the code has them now. */
export function generatedDocs(): Map<string, string> {
  const daemon = join(folder, 'daemon.md');
  const options = `<!-- options -->\n\n${optionsTable(CONFIG_OPTIONS)}\n<!-- /options -->`;
  const daemonText = readFileSync(daemon, 'utf8').replace(/<!-- options -->.*<!-- \/options -->/s, () => options);
  return new Map([
    [daemon, daemonText],
    [join(folder, 'api.md'), `${API_INTRODUCTION}\n${routesPage(routes)}`],
    [join(folder, 'flags.md'), flagsPage()],
  ]);
}

const API_INTRODUCTION = `# The API's routes

Docker's Engine API, with or without a version (\`/v1.17\` to \`/v1.51\`) before the path. "since" is the API version that
brought a route, where that is not the oldest one. "not yet" answers 501. What belongs to swarm answers 503, to a plugin
404: there are none. "access" is the level that a socket must grant ([security.md](security.md)).
`;

function optionsTable(options: readonly ConfigOption[]): string {
  const rows = options.map(({ flag, short, key, kind, help }) => {
    const flags = short ? `\`--${flag}\`, \`-${short}\`` : `\`--${flag}\``;
    return `| ${flags} | ${key ? `\`${key}\`` : ''} | ${kind} | ${help} |\n`;
  });
  return `| flag | key in daemon.json | kind | |\n|---|---|---|---|\n${rows.join('')}`;
}

if (import.meta.main) for (const [path, text] of generatedDocs()) writeFileSync(path, text);
