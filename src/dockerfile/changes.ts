import type { ImageConfig } from '#api/types/image.ts';
import { invalid } from '#errors/errors.ts';
import { CONFIG_INSTRUCTIONS } from './config-instructions.ts';
import { checkFlags, parseInstruction } from './instruction.ts';
import { logicalLines } from './lines.ts';

/**
 * `config` as the instructions change it that `commit` and `import` take (`CMD`, `ENTRYPOINT`, `ENV`, `EXPOSE`,
 * `HEALTHCHECK`, `LABEL`, `ONBUILD`, `STOPSIGNAL`, `USER`, `VOLUME`, `WORKDIR`), in their order; an item may be several
 * lines. As in Docker, ENTRYPOINT takes a CMD away that did not come from the same changes. Other fields are kept.
 * Throws `invalid` in Docker's words.
 */
export function applyChanges<T extends ImageConfig>(config: T, changes: readonly string[]): T {
  if (changes.length === 0) return config;
  const { lines, escapeToken } = logicalLines(changes.join('\n'));
  if (lines.length === 0) throw invalid('file with no instructions');
  let changed: T = config;
  let hasCommand = false;
  for (const line of lines) {
    const instruction = parseInstruction(line, escapeToken);
    const { keyword, written } = instruction;
    const apply = CONFIG_INSTRUCTIONS.get(keyword);
    if (!apply) {
      const hint = `use ${[...CONFIG_INSTRUCTIONS.keys()].join(', ')}`;
      throw invalid(`${written} is not a valid change command`, { hint });
    }
    if (keyword !== 'HEALTHCHECK') checkFlags(instruction);
    changed = { ...changed, ...apply(changed, instruction) };
    if (keyword === 'CMD') hasCommand = true;
    if (keyword === 'ENTRYPOINT' && !hasCommand) changed = { ...changed, Cmd: null };
  }
  return changed;
}
