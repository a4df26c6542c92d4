import { type Read, readList, readText } from './read.ts'

const EXAMPLE = 'agent.service'
const LIST = '["agent-*.service"]'
/** Of systemd.unit(5): letters, digits and these; then the type. */
const UNIT = /^[A-Za-z0-9:_.\\@-]{1,240}\.[a-z]+$/
const PATTERN = /^[A-Za-z0-9:_.\\@*?[\]!-]{1,240}\.[a-z]+$/

/** The name of a systemd service unit, like agent.service or worker@3.service. */
export function checkUnit(value: unknown): Read<string> {
  return readUnit(value, UNIT, EXAMPLE, 'the name of a unit')
}

/** A list of patterns for the names of service units, as `systemctl` takes them. */
export function checkUnits(value: unknown): Read<string[]> {
  return readList(value, `a list of patterns, like ${LIST}`, one => readUnit(one, PATTERN, LIST, 'a pattern for units'))
}

function readUnit(value: unknown, shape: RegExp, example: string, what: string): Read<string> {
  const text = readText(value, example)
  if (!('value' in text)) return text
  if (!shape.test(text.value)) {
    const hasType = /\.[a-z]+$/.test(text.value)
    const hint = hasType ? `write it as systemctl shows it, like ${example}` : `add .service, like ${example}`
    return { problem: `is not ${what}`, hint }
  }
  if (!text.value.endsWith('.service')) {
    return { problem: 'is not a service: heald heals units whose name ends in .service', hint: `write ${example}` }
  }
  if (text.value.endsWith('@.service')) {
    return { problem: 'is a template, which can’t run', hint: 'write one of its instances, like worker@1.service' }
  }
  return text
}
