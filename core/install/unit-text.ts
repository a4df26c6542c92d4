import { pathToFileURL } from 'node:url'
import type { ChannelSpec, WhatsAppSpec } from '../config/channel-spec.ts'
import { commandLine } from './command-line.ts'
import { CLOSED, CONFINED, OPEN } from './confinement.ts'
import { CREDENTIALS, credentialsOf } from './credentials.ts'

/** What the unit files of heald are made of. */
export interface InstallPlan {
  /** The program and its first argument: Node and heald.js, absolute. */
  readonly program: readonly [node: string, heald: string]
  readonly config: string
  readonly host: string
  /** systemd knows `DelegateSubgroup` (254). */
  readonly hasSubgroups: boolean
  /** The bot is a unit of its own; null: heald runs it, or there are no channels. */
  readonly bot: { readonly channels: readonly ChannelSpec[] } | null
  /** Who is told when heald stays down, without heald; null: nobody can be. */
  readonly alarm: AlarmPlan | null
}

/** A message that needs neither ledger nor bot. */
export interface AlarmPlan {
  readonly kind: 'telegram' | 'discord' | 'slack'
  /** Where its API is. */
  readonly api: string
  readonly chat: string
  /** The token's file, which systemd reads. */
  readonly tokenFile: string
}

export const BOT_USER = 'heald-bot'
/** What the bot's unit keeps. */
export const BOT_FOLDER = `/var/lib/${BOT_USER}`
export const WHATSAPP_USER = 'heald-whatsapp'
/** What WhatsApp's unit keeps: the session. */
export const WHATSAPP_FOLDER = `/var/lib/${WHATSAPP_USER}`
/** Where the bot reaches the unit of WhatsApp. */
export const WHATSAPP_SOCKET = '/run/heald-whatsapp.sock'
export const MARK = '# Written by "heald install"; "heald uninstall" removes it.'

/** The address of the manual beside heald, as systemd reads it. */
function manual([, heald]: InstallPlan['program']): string {
  return pathToFileURL(heald.replace(/heald\.js$/, 'docs/units.md')).href.replaceAll('%', '%%')
}

/**
 * heald itself. What it starts inherits its confinement, and services may be anything: so only what no service has any
 * business with is taken away. What is left open, and why, stands in the file. nix/units.nix says the same for NixOS,
 * setting by setting. systemd gives up starting it only where somebody is told: the window holds the burst of the slowest
 * failures, a start that hangs and a heald that is stuck.
 */
export function coreUnit({ program, config, alarm, hasSubgroups }: InstallPlan): string {
  return `${MARK}
[Unit]
Description=heald: heals the services of this host, and records every step
Documentation=${manual(program)}
After=network.target dbus.service
${alarm === null ? 'StartLimitIntervalSec=0' : 'StartLimitIntervalSec=30min\nStartLimitBurst=10\nOnFailure=heald-again.service'}

[Service]
Type=notify
NotifyAccess=main
ExecStart=${commandLine([...program, 'up', '--config', config])}
ExecReload=${commandLine([...program, 'reload'])}
TimeoutStartSec=90
WatchdogSec=60
Restart=always
RestartSec=1
# After "heald down".
RestartPreventExitStatus=125
SuccessExitStatus=125
StateDirectory=heald
StateDirectoryMode=0700
RuntimeDirectory=heald
RuntimeDirectoryMode=0711
RuntimeDirectoryPreserve=restart
# Services and a switch under way outlive heald: a stop ends the daemon alone, and the next one adopts them.
KillMode=process
TimeoutStopSec=20
# One service out of memory is that service's end, not heald's.
OOMPolicy=continue
# Each service has a control group below heald's.
Delegate=yes
${hasSubgroups ? 'DelegateSubgroup=heald\nEnvironment=HEALD_DELEGATED=1\n' : '# From systemd 254 on DelegateSubgroup= lets heald limit the memory of services here.\n'}LimitNOFILE=524288
TasksMax=infinity

${OPEN}
[Install]
WantedBy=multi-user.target
`
}

/** For `sh`: what was armed in an earlier boot leads back, each from a file of its own. */
const RECOVER =
  'for record in /var/lib/heald/switch/*/deadman; do ' +
  'read -r id < "$record" && [ -e "$record.boot.$id" ] && /bin/sh "$record.boot.$id"; done; exit 0'

/**
 * Needs nothing of heald, which may be what the switch has broken. Before all that wait for sysinit.target: they start with
 * what it leads to.
 */
export function recoverUnit({ program }: InstallPlan): string {
  return `${MARK}
[Unit]
Description=Leads back what was being switched when the machine went down
Documentation=${manual(program)}
DefaultDependencies=no
After=local-fs.target
RequiresMountsFor=/var/lib/heald
Before=sysinit.target heald.service shutdown.target
Conflicts=shutdown.target
ConditionPathExistsGlob=/var/lib/heald/switch/*/deadman

[Service]
Type=oneshot
ExecStart=/bin/sh -c ${commandLine([RECOVER])}
TimeoutStartSec=5min

[Install]
WantedBy=sysinit.target
`
}

/** The bot: reaches heald's second socket, that of WhatsApp's unit and the platforms, and nothing else. */
export function botUnit(plan: InstallPlan): string {
  const { program, bot } = plan
  if (bot === null) return ''
  const hasWhatsApp = whatsAppOf(plan) !== null
  const credentials = credentialsOf(bot.channels).map(name => `LoadCredential=${name}:${CREDENTIALS}/${name}\n`)
  return `${MARK}
[Unit]
Description=heald's bot: relays notices to chats
After=heald.service network-online.target${hasWhatsApp ? ' heald-whatsapp.socket' : ''}
Wants=network-online.target${hasWhatsApp ? ' heald-whatsapp.socket' : ''}
StartLimitIntervalSec=0

[Service]
ExecStart=${commandLine([...program, 'bot', '--socket', '/run/heald/bot.sock', '--folder', BOT_FOLDER])}
User=${BOT_USER}
Restart=always
RestartSec=1
# A request under way may take 10 s, its connections 5 more.
TimeoutStopSec=20
StateDirectory=heald-bot
StateDirectoryMode=0700
${credentials.join('')}${hasWhatsApp ? `Environment=HEALD_WHATSAPP=${WHATSAPP_SOCKET}\n` : ''}MemoryMax=512M
TasksMax=64
${CONFINED}${CLOSED}
[Install]
WantedBy=multi-user.target
`
}

/** What people are told of a heald that stays down, and when it is over. */
const TOLD = {
  down: [
    'Tells people that heald stays down',
    'heald is down, and systemd has given up starting it; it is tried again every 10 minutes until it runs, and you are told more and more rarely, and when it is back',
  ],
  back: ['Tells people that heald is back', 'heald is back: it has run for 10 minutes without a break'],
} as const

/**
 * For `sh`: tries heald again each 10 minutes, as a person would, and tells of the first, second, fourth, … time that systemd
 * has given up; once it has run for 10 minutes, it tells that. Who stopped heald meanwhile knows.
 */
export const TRY_AGAIN =
  'failed=0 next=1 same=0 before=; ' +
  'while :; do now=$(systemctl show --property=ActiveState --property=InvocationID heald.service); ' +
  'case $now in ' +
  '*=failed*) failed=$((failed + 1)) same=0; ' +
  'if [ $failed -ge $next ]; then next=$((next * 2)); systemctl start --no-block heald-failed.service; fi; ' +
  'sleep 600; systemctl is-failed --quiet heald.service || continue; ' +
  'systemctl reset-failed heald.service; systemctl start --no-block heald.service ;; ' +
  '*=inactive*) exit 0 ;; ' +
  '*=active*) if [ "$now" = "$before" ]; then same=$((same + 1)); else same=0; fi; ' +
  'if [ $same -ge 10 ]; then break; fi; before=$now; sleep 60 ;; ' +
  '*) before=; sleep 60 ;; ' +
  'esac; done; ' +
  '[ $failed = 0 ] || exec systemctl start --no-block heald-back.service'

/** Begins when systemd has given up. One of it stands at a time: each later failure is seen by the one that stands. */
export function againUnit({ program, alarm }: InstallPlan): string {
  if (alarm === null) return ''
  return `${MARK}
[Unit]
Description=Starts heald again some time after systemd has given up
Documentation=${manual(program)}
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart=/bin/sh -c ${commandLine([TRY_AGAIN])}
`
}

/**
 * Tells one chat that heald has failed for good, or is back: no ledger, no bot, no configuration is read. It tries ten times,
 * as the network may come late. No oneshot: before systemd 244 those have no `Restart=`.
 */
export function alarmUnit({ program, alarm, host }: InstallPlan, sender: string, of: keyof typeof TOLD): string {
  if (alarm === null) return ''
  const { kind, api, chat, tokenFile } = alarm
  const [description, text] = TOLD[of]
  const words = [program[0], sender, kind, api, chat, `${host}: ${text}`]
  return `${MARK}
[Unit]
Description=${description}
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=30min
StartLimitBurst=10

[Service]
ExecStart=${commandLine(words)}
Restart=on-failure
RestartSec=30
RuntimeMaxSec=60
LoadCredential=token:${tokenFile.replaceAll('%', '%%')}
DynamicUser=yes
${CONFINED}${CLOSED}`
}

/** The users whom the units run as. */
export function usersOf(plan: InstallPlan): string[] {
  return [...(plan.bot === null ? [] : [BOT_USER]), ...(whatsAppOf(plan) === null ? [] : [WHATSAPP_USER])]
}

/** The users that an installation makes, for systemd-sysusers; '' where there are none. */
export function usersFile(users: readonly string[]): string {
  const lines = users.map(user => `u ${user} - "heald's chats" /var/lib/${user}\n`)
  return lines.length === 0 ? '' : `${MARK}\n${lines.join('')}`
}

/** WhatsApp, where it is a channel of a bot that is a unit. */
export function whatsAppOf({ bot }: InstallPlan): WhatsAppSpec | null {
  return bot?.channels.find(channel => channel.kind === 'whatsapp') ?? null
}
