import type { HistoryResponseItem } from '#api/types/image.ts';
import { ellipsis } from './display-width.ts';
import type { Fields } from './list.ts';
import { ago, goTime, humanSize, shortId } from './units.ts';

export const historyColumns = ['ID', 'CreatedSince', 'CreatedBy', 'Size', 'Comment'];
export const exactHistoryColumns = ['ID', 'CreatedAt', 'CreatedBy', 'Size', 'Comment'];

/** What `history` can show of a layer; `human` = ages and units instead of times and bytes. */
export function historyFields(full: boolean, human: boolean): Fields<HistoryResponseItem> {
  return {
    ID: { header: 'IMAGE', value: (row) => (full ? row.Id : row.Id === '<missing>' ? row.Id : shortId(row.Id)) },
    CreatedAt: { header: 'CREATED AT', value: (row) => isoTime(row.Created) },
    CreatedSince: {
      header: 'CREATED',
      value: (row) => (!human ? isoTime(row.Created) : row.Created > 0 ? ago(row.Created) : 'N/A'),
    },
    CreatedBy: {
      header: 'CREATED BY',
      value: (row) => {
        const command = row.CreatedBy.replaceAll('\t', ' ');
        return full ? command : ellipsis(command, 45);
      },
    },
    Size: { header: 'SIZE', value: (row) => (human ? humanSize(row.Size, 3) : String(row.Size)) },
    Comment: { header: 'COMMENT', value: (row) => row.Comment },
  };
}

const isoTime = (moment: number) => `${goTime(moment).slice(0, 19).replace(' ', 'T')}Z`;
