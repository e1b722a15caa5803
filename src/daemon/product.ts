/** What this program is, as `version` and `/info` say it. */
export const PRODUCT = Object.freeze({
  version: '0.1.0',
  apiVersion: '1.51',
  minApiVersion: '1.17',
  commit: process.env.WHERRY_COMMIT ?? 'development',
});
