import { mkdirSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { INSTALLED_NODE, type Machine } from './machine.ts'

/** A machine has its own loopback and no other network: in there, each fake has the port that it has out here. */
const BRIDGE = `
import { connect, createServer } from 'node:net'
const [folder, ...ports] = process.argv.slice(2)
for (const port of ports) {
  createServer(near => {
    const far = connect(folder + '/' + port)
    near.on('error', () => far.destroy()).pipe(far)
    far.on('error', () => near.destroy()).pipe(near)
  }).listen(Number(port), '127.0.0.1')
}
`

export async function bridge(t: TestContext, machine: Machine, ports: readonly string[]): Promise<void> {
  const folder = join(machine.shared, 'ports')
  mkdirSync(folder)
  for (const port of ports) await bridgeOut(t, join(folder, port), Number(port))
  const program = join(machine.shared, 'bridge.mjs')
  writeFileSync(program, BRIDGE)
  await machine.units({
    'bridge.service': `[Service]\nExecStart=${INSTALLED_NODE} ${program} ${folder} ${ports.join(' ')}\n`,
  })
  await machine.must('systemctl', 'start', 'bridge')
}

/** Connections to a socket in the file system go on to a port out here. */
async function bridgeOut(t: TestContext, path: string, port: number): Promise<void> {
  const open = new Set<Socket>()
  const server = createServer(far => {
    const near = connect(port, '127.0.0.1')
    for (const [one, other] of [
      [far, near],
      [near, far],
    ] as const) {
      open.add(one)
      one
        .on('error', () => other.destroy())
        .on('close', () => open.delete(one))
        .pipe(other)
    }
  })
  t.after(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  await new Promise<void>(resolve => server.listen(path, resolve))
}
