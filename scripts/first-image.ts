/** `first-image.ts TARGET` writes a docker-archive with busybox:latest, made of Debian's busybox: no registry is needed. */
import { busyboxLayer, makeArchive } from '../test/support/images.ts';

const [target] = process.argv.slice(2);
if (target === undefined) {
  process.stderr.write('usage: first-image.ts TARGET\n');
  process.exit(2);
}
await makeArchive(target, [{ layers: [await busyboxLayer()], tags: ['busybox:latest'], config: { Cmd: ['sh'] } }]);
