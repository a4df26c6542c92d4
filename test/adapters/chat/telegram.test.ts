import { channelConformance } from '../../conformance/channel.ts'
import { startTelegramPlatform } from '../../fakes/telegram/platform.ts'

channelConformance('telegram', () => startTelegramPlatform())
