import { invalid } from '#errors/errors.ts';
import { NAME_PATTERN } from '#lib/names.ts';

/** Bytes: the name is a folder's. */
const MAX_LENGTH = 255;

/** Throws `invalid` in Docker's words unless `name` can be a volume's. */
export function checkVolumeName(name: string): void {
  if (name.length === 1) {
    throw invalid(`create ${name}: volume name is too short, names should be at least two alphanumeric characters`);
  }
  if (!NAME_PATTERN.test(name)) {
    throw invalid(
      `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
    );
  }
  if (name.length > MAX_LENGTH)
    throw invalid(`create ${name}: the volume name is longer than ${MAX_LENGTH} characters`);
}
