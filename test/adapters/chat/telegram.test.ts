import { channelConformance } from '../../conformance/channel.ts'
import { wordConformance } from '../../conformance/words.ts'
import { startTelegramPlatform } from '../../fakes/telegram/platform.ts'

channelConformance('telegram', () => startTelegramPlatform())
wordConformance('telegram', () => startTelegramPlatform())
