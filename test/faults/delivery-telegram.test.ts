import { startTelegramPlatform } from '../fakes/telegram/platform.ts'
import { deliveryPromises } from './delivery.ts'

deliveryPromises({
  ...{ kind: 'telegram', start: () => startTelegramPlatform(), parallel: 8 },
  schedules: Number(process.env.HEALD_SOAK_DELIVERIES_TELEGRAM ?? 16),
  troubles: ['slow down', 'error 500', 'cut', 'answer lost', 'answer lost'],
})
