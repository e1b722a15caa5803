// start.mjs SOURCE ARGUMENT...: runs a program of src/ in the form that scripts/build.ts gave it, as long as that was made of
// the files as they are now; else from its sources. WHERRY_FROM_SOURCE=1 always takes the sources.
const { readFileSync, statSync } = process.getBuiltinModule('node:fs');

const root = new URL('../', import.meta.url);

/** The built form of `source`, if there is one and none of its inputs has changed. */
function builtForm(source) {
  try {
    const { folder, programs } = JSON.parse(readFileSync(new URL('.cache/build/current.json', root), 'utf8'));
    const { file, inputs } = programs[source];
    const same = inputs.every(([path, time, size]) => {
      const stat = statSync(new URL(path, root), { throwIfNoEntry: false });
      return stat?.mtimeMs === time && stat.size === size;
    });
    return same ? `.cache/build/${folder}/${file}` : undefined;
  } catch {
    return undefined; // nothing was built, or not by this version of scripts/build.ts
  }
}

const [source] = process.argv.splice(2, 1);
const built = process.env.WHERRY_FROM_SOURCE === '1' ? undefined : builtForm(source);
process.argv[1] = process.getBuiltinModule('node:url').fileURLToPath(new URL(source, root));
await import(new URL(built ?? source, root).href);
