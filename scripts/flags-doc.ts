/** The page that says for each flag of `run` and `create` which test sees its effect. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createFlags } from '#cli/spec/flags.ts';

const root = join(import.meta.dirname, '..');

/** Tests on a live machine whose titles name the flags that they try. */
const LIVE = readdirSync(join(root, 'test/e2e'))
  .filter((name) => /^flags-.*\.test\.ts$/.test(name))
  .map((name) => `test/e2e/${name}`);

/** What a machine with cgroup v2 alone does otherwise, tried on such a machine's files. */
const UNIFIED = 'src/runtime/spec/unified.test.ts';

/** Tests whose titles say what they try in other words. */
const ELSEWHERE: Readonly<Record<string, Place>> = {
  'health-cmd': { file: 'test/e2e/health.test.ts', title: 'starting, unhealthy after so many failures' },
  'health-interval': { file: 'test/e2e/health.test.ts', title: 'starting, unhealthy after so many failures' },
  'health-retries': { file: 'test/e2e/health.test.ts', title: 'starting, unhealthy after so many failures' },
  'health-timeout': { file: 'test/e2e/health.test.ts', title: 'one that takes too long fails' },
  'health-start-interval': {
    file: 'test/e2e/health.test.ts',
    title: 'the start period forgives failures, looks oftener',
  },
  'health-start-period': { file: 'test/e2e/health.test.ts', title: 'the start period forgives failures' },
  'no-healthcheck': { file: 'test/e2e/health.test.ts', title: 'create takes parts of it over, or does without' },
  restart: { file: 'test/e2e/restart-policy.test.ts', title: 'always: started again until it runs' },
};

/** Flags that no test sees at work, and why. */
const WITHOUT: Readonly<Record<string, string>> = {
  ip6: 'kept and shown: containers have no IPv6 addresses in this release',
  'link-local-ip': 'kept and shown: no link-local addresses are given in this release',
  'storage-opt': 'refused',
  'use-api-socket': 'refused by the client: mount the socket with `-v`',
};

interface Place {
  file: string;
  title: string;
}

/** Flag -> the tests whose titles name it. */
function placesIn(files: readonly string[]): Map<string, Place[]> {
  const places = new Map<string, Place[]>();
  for (const file of files) {
    const text = readFileSync(join(root, file), 'utf8');
    for (const [, , title] of text.matchAll(/\btest\(\s*(['"`])(.*?)\1,/gs)) {
      for (const [, flag] of title!.matchAll(/--([a-z0-9-]+)/g)) {
        places.set(flag!, [...(places.get(flag!) ?? []), { file, title: title! }]);
      }
    }
  }
  return places;
}

function checkElsewhere(): void {
  for (const [flag, { file, title }] of Object.entries(ELSEWHERE)) {
    if (!readFileSync(join(root, file), 'utf8').includes(title))
      throw new Error(`--${flag}: ${file} has no test "${title}"`);
  }
}

/** Throws when a flag is neither seen by a test nor excused, or excused though a test sees it. */
export function flagsPage(): string {
  checkElsewhere();
  const live = placesIn(LIVE);
  for (const [flag, place] of Object.entries(ELSEWHERE)) live.set(flag, [...(live.get(flag) ?? []), place]);
  const unified = placesIn([UNIFIED]);
  const rows = Object.entries(createFlags).map(([flag, { short, aliasOf, help }]) => {
    const places = live.get(flag);
    const why = WITHOUT[flag];
    if ((places === undefined) === (why === undefined)) {
      throw new Error(`--${flag}: name it in the title of one test of ${LIVE.join(', ')}, or in scripts/flags-doc.ts`);
    }
    const what = aliasOf ? `\`--${aliasOf}\`` : help.replaceAll('|', '\\|');
    const names = short ? `\`--${flag}\`, \`-${short}\`` : `\`--${flag}\``;
    return `| ${names} | ${what} | ${places ? cell(places) : why} | ${places ? cell(unified.get(flag)) || 'the same' : ''} |`;
  });
  return [INTRODUCTION, '| flag | | seen at work by | on cgroup v2 |', '|---|---|---|---|', ...rows, ''].join('\n');
}

function cell(places: readonly Place[] | undefined): string {
  return [...new Set((places ?? []).map(({ file }) => `[${nameOf(file)}](../../${file})`))].join(', ');
}

function nameOf(file: string): string {
  return file.split('/').at(-1)!.replace('.test.ts', '');
}

const INTRODUCTION = `# The flags of run and create

For each flag the test that sees its effect, from inside the container or in a file of its control group and never in what
\`inspect\` says. The tests run on the machine's own control groups, v1 or v2, and those for limits, rights and devices
with crun and with runc. Where a machine with cgroup v2 alone behaves otherwise, a test with such a machine's files says
how. The tests name the flags in their titles; this page is made of them (\`make docs\`).
`;
