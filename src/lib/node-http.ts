/**
 * node:http and node:https, loaded when they are needed and not as ES modules: an import of node:http evaluates every
 * one of its lazy exports, a whole fetch implementation among them, which costs 16 MB and 35 ms at each start.
 */
export const http = () => process.getBuiltinModule('node:http');
export const https = () => process.getBuiltinModule('node:https');
