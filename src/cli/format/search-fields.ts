import type { SearchResult } from '#api/types/registry.ts';
import { ellipsis } from './display-width.ts';
import type { Fields } from './list.ts';

export const searchColumns = ['Name', 'Description', 'StarCount', 'IsOfficial'];

/** What `search` can show of a result; `full` keeps descriptions whole, `isJson` tells truths in words. */
export function searchFields(full: boolean, isJson: boolean): Fields<SearchResult> {
  const truth = (value: boolean) => (isJson ? String(value) : value ? '[OK]' : '');
  return {
    Name: { header: 'NAME', value: ({ name }) => name },
    Description: {
      header: 'DESCRIPTION',
      value: ({ description }) => {
        const line = description.replaceAll('\n', ' ').replaceAll('\r', ' ');
        return full ? line : ellipsis(line, 45);
      },
    },
    StarCount: { header: 'STARS', value: (row) => String(row.star_count) },
    IsOfficial: { header: 'OFFICIAL', value: (row) => truth(row.is_official) },
    IsAutomated: { header: 'AUTOMATED', value: (row) => truth(row.is_automated) },
  };
}
