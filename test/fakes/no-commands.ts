import type { ChatCommands } from '../../core/command/port.ts'
import { Fault } from '../../core/fault.ts'

/** Commands of a daemon that takes none. */
export const NO_COMMANDS: ChatCommands = {
  async request() {
    throw new Fault('command.not-yet', 'orders are not taken yet', { retry: 1000 })
  },
  command: async () => null,
  commands: async () => [],
  offers: async () => [],
  complete: async () => [],
}
