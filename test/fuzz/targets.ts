import { copiedTrees } from './targets/copied-trees.ts';
import { imageArchives } from './targets/image-archives.ts';
import { imageJson } from './targets/image-json.ts';
import { launcherRequests, launcherStreams } from './targets/launcher-protocol.ts';
import { layerIndexes } from './targets/layer-indexes.ts';
import { layerTrees } from './targets/layer-trees.ts';
import { monitorProtocol } from './targets/monitor-protocol.ts';
import { registryReplies } from './targets/registry-replies.ts';
import { tarParser } from './targets/tar-parser.ts';

/** Everything that `make fuzz` tries. */
export const targets = [
  tarParser,
  layerIndexes,
  layerTrees,
  copiedTrees,
  imageJson,
  imageArchives,
  registryReplies,
  launcherRequests,
  launcherStreams,
  monitorProtocol,
];
