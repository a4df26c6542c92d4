import { after } from 'node:test'
import { whatsAppPlatforms } from '../fakes/whatsapp/platform.ts'
import { deliveryPromises } from './delivery.ts'

const schedules = Number(process.env.HEALD_SOAK_DELIVERIES_WHATSAPP ?? 2)
// Each has a linked device and a browser of its own.
const parallel = schedules > 100 ? 4 : 1
const all = Array.from({ length: parallel }, whatsAppPlatforms)
after(() => Promise.all(all.map(each => each.close())))

deliveryPromises({
  ...{ kind: 'whatsapp', parallel, schedules },
  start: worker => (all[worker] ?? whatsAppPlatforms()).start(),
  troubles: ['error 500', 'cut', 'answer lost', 'answer lost'],
  // A message every five seconds is its pace.
  mostSteps: 20,
})
