import { after } from 'node:test'
import { channelConformance } from '../../conformance/channel.ts'
import { whatsAppPlatforms } from '../../fakes/whatsapp/platform.ts'

const platforms = whatsAppPlatforms()
after(platforms.close)
channelConformance('whatsapp', platforms.start)
