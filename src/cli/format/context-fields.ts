import type { Fields } from './list.ts';

export interface ContextRow {
  Name: string;
  Description: string;
  DockerEndpoint: string;
  Current: boolean;
  /** Why it cannot be used, shortened. */
  Error: string;
}

export const contextColumns = ['Name', 'Description', 'DockerEndpoint', 'Error'];

/** A `table` marks the current one behind its name. */
export function contextFields(isTable: boolean): Fields<ContextRow> {
  return {
    Name: { header: 'NAME', value: (row) => (isTable && row.Current ? `${row.Name} *` : row.Name) },
    Description: { header: 'DESCRIPTION', value: (row) => row.Description },
    DockerEndpoint: { header: 'DOCKER ENDPOINT', value: (row) => row.DockerEndpoint },
    Current: { header: 'CURRENT', value: (row) => row.Current },
    Error: { header: 'ERROR', value: (row) => row.Error },
  };
}

const MAX_ERROR = 45;

/** An error as docker's list has room for it. */
export const shortError = (text: string) => (text.length > MAX_ERROR ? `${text.slice(0, MAX_ERROR - 1)}…` : text);
