import { startSlackPlatform } from '../fakes/slack/platform.ts'
import { deliveryPromises } from './delivery.ts'

deliveryPromises({
  ...{ kind: 'slack', start: () => startSlackPlatform(), parallel: 8 },
  schedules: Number(process.env.HEALD_SOAK_DELIVERIES_SLACK ?? 16),
  troubles: ['slow down', 'error 500', 'cut', 'answer lost', 'answer lost'],
})
