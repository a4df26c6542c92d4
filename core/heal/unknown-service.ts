import { Fault } from '../fault.ts'

export function unknownService(name: string): Fault {
  return new Fault('service.unknown', `there is no service ${JSON.stringify(name.slice(0, 100))}`, {
    hint: '"heald status" lists them',
  })
}
