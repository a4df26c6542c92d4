import { after } from 'node:test'
import { channelConformance } from '../../conformance/channel.ts'
import { closeWhatsAppPlatform, startWhatsAppPlatform } from '../../fakes/whatsapp/platform.ts'

after(closeWhatsAppPlatform)
channelConformance('whatsapp', startWhatsAppPlatform)
