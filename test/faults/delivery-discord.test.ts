import { discordPlatform } from '../fakes/discord/platform.ts'
import { deliveryPromises } from './delivery.ts'

deliveryPromises({
  ...{ kind: 'discord', start: () => discordPlatform(), parallel: 8 },
  schedules: Number(process.env.HEALD_SOAK_DELIVERIES_DISCORD ?? 16),
  troubles: ['slow down', 'error 500', 'cut', 'answer lost', 'answer lost'],
})
