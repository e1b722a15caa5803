import { randomBytes, randomInt } from 'node:crypto';

const ADJECTIVES = (
  'able amber ample brave bright brisk calm candid clear clever cosy crisp daring deft eager early easy fair fleet fond frank ' +
  'free fresh gentle glad golden grand happy hardy hearty honest humble jolly keen kind lively loyal lucid lucky mellow merry ' +
  'mild modest neat nimble noble open patient placid plucky proud quick quiet ready robust rosy sharp silent silver simple ' +
  'sleek smart snug sober solid spry steady still stout sturdy sunny sure swift tidy trim trusty upbeat vivid warm wise witty young zesty'
).split(' ');

/** River and harbour craft: a wherry is one. */
const BOATS = (
  'ark barge bark brig caique canoe caravel carrack catboat clipper coble cog coracle corvette cutter dhow dinghy dory drifter ' +
  'felucca ferry frigate galleon galley gig gondola gufa hoy jolly junk kayak keel ketch knarr launch liner lugger nao outrigger ' +
  'packet pinnace pirogue proa pulwar punt raft ram sampan scow scull sharpie shikara skiff sloop smack snow tall tender tjalk ' +
  'trawler trireme tug umiak wherry xebec yacht yawl'
).split(' ');

/** A random name such as `brisk_coracle`; after a few collisions it carries a number. */
export function randomName(attempt = 0): string {
  const name = `${ADJECTIVES[randomInt(ADJECTIVES.length)]}_${BOATS[randomInt(BOATS.length)]}`;
  return attempt < 3 ? name : `${name}${randomInt(10 ** Math.min(attempt, 9))}`;
}

/** Docker's rule for the names of containers and volumes: two characters at least. */
export const NAME_PATTERN = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** 64 hex digits, as containers and networks are named; never all digits in its first 12 (a port or a pid to users). */
export function randomId(): string {
  for (;;) {
    const id = randomBytes(32).toString('hex');
    if (/[a-f]/.test(id.slice(0, 12))) return id;
  }
}
