import { fileURLToPath } from 'node:url'

/** `heald.js` of this installation, from the source or from its build. */
export function frontDoor(): string {
  const isBuilt = import.meta.url.includes('/dist/core/')
  return fileURLToPath(new URL(isBuilt ? '../../heald.js' : '../heald.js', import.meta.url))
}
