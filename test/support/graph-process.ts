/** A process of its own that does one thing to a graph: `graph-process.ts ROOT load ARCHIVE` or `ROOT remove NAME`. */
import { createReadStream } from 'node:fs';
import { openParts } from './graph.ts';
import { startLauncher } from './launcher.ts';

const [root, verb, what] = process.argv.slice(2) as [string, string, string];
const server = await startLauncher();
const { graph, db } = await openParts(root, server.launcher);
if (verb === 'load') await graph.load(createReadStream(what));
else await graph.remove(what);
await graph.close();
await db.close();
await server.close();
