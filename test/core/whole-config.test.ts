import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HostConfig } from '../../core/config/spec.ts'
import type { DaemonOptions } from '../../core/daemon.ts'
import type { ProcessHost } from '../../core/heal/host.ts'
import { wholeConfig } from '../../core/whole-config.ts'

test('a unit that a pattern names and that can’t have its service is told of once', async () => {
  const warned: string[] = []
  const options: Partial<DaemonOptions> = {
    loadConfig: async () => ({ services: [], units: ['*'], notice: { channels: [] } }) as unknown as HostConfig,
    warn: text => warned.push(text),
  }
  const host: Partial<ProcessHost> = { units: async () => ['web-1.service', 'web@1.service', '@.service'] }
  const whole = wholeConfig(options as DaemonOptions, () => host as ProcessHost)
  const first = await whole.read()
  assert.equal(await whole.again(first), null)
  const { services } = await whole.read()
  assert.deepEqual(
    services.map(({ unit }) => unit),
    ['web-1.service'],
  )
  assert.deepEqual(warned, [
    '@.service is not looked after: its name is none for a service; give it a service of its own in the configuration',
    'web@1.service is not looked after: another service is named web-1; give it a service of its own in the configuration',
  ])
})
