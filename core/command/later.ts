import { Fault } from '../fault.ts'
import type { ChatCommands } from './port.ts'

/** Until commands are taken up: nothing is known of any, and none is taken. */
export const LATER: ChatCommands = {
  async request() {
    throw new Fault('command.not-yet', 'orders from chats are not taken yet', { retry: 1000 })
  },
  command: () => null,
  commands: () => [],
  offers: async () => [],
  complete: () => [],
}
