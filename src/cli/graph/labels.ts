import type { GraphImage, ImageGraph } from '#api/types/image-graph.ts';
import { humanSize, shortId } from '../format/units.ts';
import { type Run, total } from './runs.ts';

/** What the tree and the drawing say of a run of layers: its size, how many they are, the topmost one's chainID. */
export function runLabel({ layers, size }: Run, full: boolean): string {
  const top = layers.at(-1)!.Id;
  return `${humanSize(size, 3)}  ${counted(layers.length, 'layer')}  ${full ? top : shortId(top)}`;
}

/** What they say of an image: its names, id, whole size and containers. */
export function imageLabel({ Id, Names, Size, Containers }: GraphImage, full: boolean): string {
  const users = Containers > 0 ? `  ${counted(Containers, 'container')}` : '';
  return `${Names.join(', ') || '<none>'}  ${full ? Id : shortId(Id)}  ${humanSize(Size, 3)}${users}`;
}

/** How much sharing layers spares. */
export function summary({ Layers, Images }: ImageGraph): string {
  const shared = humanSize(total(Layers), 3);
  const apart = humanSize(total(Images), 3);
  return `${counted(Images.length, 'image')} on ${counted(Layers.length, 'layer')}: ${shared}, without sharing ${apart}`;
}

const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`;
