/**
 * Node's HTTP without what an `import` of it brings along: that reads all of its exports, one of which (`WebSocket`)
 * loads a whole fetch client, several MB of resident memory that a daemon never uses. Types come from `node:http`.
 */
export const { Agent, createServer, request } = process.getBuiltinModule('node:http')
