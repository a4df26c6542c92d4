import { channelConformance } from '../../conformance/channel.ts'
import { discordPlatform } from '../../fakes/discord/platform.ts'

channelConformance('discord', discordPlatform)
