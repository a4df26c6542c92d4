import { channelConformance } from '../../conformance/channel.ts'
import { startSlackPlatform } from '../../fakes/slack/platform.ts'

channelConformance('slack', () => startSlackPlatform())
