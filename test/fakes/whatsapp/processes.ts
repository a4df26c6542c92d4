import { readdirSync, readFileSync } from 'node:fs'

/** Processes whose home is the folder: the child, and the browser with all that belongs to it. */
export function processesOf(folder: string): { readonly pid: number; readonly kind: 'child' | 'browser' | 'other' }[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(name => {
      try {
        if (!readFileSync(`/proc/${name}/environ`, 'utf8').split('\0').includes(`HOME=${folder}`)) return []
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8')
        // A zombie has neither.
        if (command === '') return []
        const isBrowser = command.includes('--user-data-dir=') && !/--type=/.test(command)
        const kind = command.includes('whatsapp-child.ts') ? 'child' : isBrowser ? 'browser' : 'other'
        return [{ pid: Number(name), kind }]
      } catch {
        // It has just ended.
        return []
      }
    })
}

export function pidOf(folder: string, kind: 'child' | 'browser'): number {
  const found = processesOf(folder).filter(one => one.kind === kind)
  const [first] = found
  if (first === undefined || found.length > 1) throw new Error(`${found.length} processes are the ${kind}`)
  return first.pid
}
