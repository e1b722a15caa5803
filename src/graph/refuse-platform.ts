import type { OciPlatform } from '#api/types/image.ts';
import { notFound } from '#errors/errors.ts';
import type { Image } from '#image/image.ts';
import { formatPlatform, platformMatches } from '#image/platform.ts';

/** Throws `not-found` when platforms are asked for and the image that `name` means is for none of them. */
export function refuseOtherPlatform(image: Image, name: string, platforms: readonly OciPlatform[]): void {
  const own = { os: image.os, architecture: image.architecture, ...(image.variant && { variant: image.variant }) };
  if (platforms.length === 0 || platforms.some((wanted) => platformMatches(wanted, own))) return;
  throw notFound(
    `image with reference ${name} was found but its platform (${formatPlatform(own)}) does not match ` +
      `the specified platform (${platforms.map(formatPlatform).join(', ')})`,
  );
}
