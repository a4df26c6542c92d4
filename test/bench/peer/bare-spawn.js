/*
 * bare-spawn.js COUNT LOG PROGRAM [ARGUMENT …]: the least supervisor that Node can be. It keeps COUNT processes of one
 * program running: spawned with open log descriptors, spawned again on 'exit'. No control group, no user, no health
 * check, no record, nothing for who comes after it. Ends its processes on SIGTERM. Plain JavaScript, so that no compiler
 * makes its process fatter and its forks slower.
 */
import { spawn } from 'node:child_process'
import { openSync } from 'node:fs'

const [count = '1', logPath = '/dev/null', program = 'true', ...args] = process.argv.slice(2)
const log = openSync(logPath, 'a')
/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set()
let isEnding = false

function start() {
  const child = spawn(program, args, { stdio: ['ignore', log, log], detached: true })
  children.add(child)
  child.on('exit', () => {
    children.delete(child)
    if (!isEnding) start()
    else if (children.size === 0) process.exit(0)
  })
}

for (let n = 0; n < Number(count); n += 1) start()

process.on('SIGTERM', () => {
  isEnding = true
  for (const child of children) child.kill('SIGKILL')
  if (children.size === 0) process.exit(0)
})
