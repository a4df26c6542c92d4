import { commandLine } from './command-line.ts'
import { BROWSER, CONFINED } from './confinement.ts'
import {
  BOT_USER,
  type InstallPlan,
  MARK,
  WHATSAPP_FOLDER,
  WHATSAPP_SOCKET,
  WHATSAPP_USER,
  whatsAppOf,
} from './unit-text.ts'

// WhatsApp Web and its browser, as units beside the bot's: the socket, and what systemd starts for who connects to it. The
// bot hangs up to end it, and connects again for another one. Of the bot it takes orders, but no program and no folder.

/** The bot's alone. Two browsers would spoil the session that they share: one connection at a time. */
export function whatsAppSocket(plan: InstallPlan): string {
  if (whatsAppOf(plan) === null) return ''
  return `${MARK}
[Unit]
Description=Where heald's bot reaches WhatsApp

[Socket]
ListenStream=${WHATSAPP_SOCKET}
SocketUser=${BOT_USER}
SocketMode=0600
RemoveOnStop=yes
Accept=yes
MaxConnections=1

[Install]
WantedBy=sockets.target
`
}

/** `child`: the program, adapters/chat/whatsapp-child. */
export function whatsAppUnit(plan: InstallPlan, child: string): string {
  const spec = whatsAppOf(plan)
  if (spec === null) return ''
  const words = [plan.program[0], child, WHATSAPP_FOLDER, spec.browser ?? '', ...spec.browserArgs]
  return `${MARK}
[Unit]
Description=WhatsApp of heald's bot, in a browser
CollectMode=inactive-or-failed

[Service]
ExecStart=${commandLine(words)}
User=${WHATSAPP_USER}
Environment=HOME=${WHATSAPP_FOLDER}
Environment=LANG=C.UTF-8
# Its signs of life come from a process of their own, systemd-notify.
WatchdogSec=60
NotifyAccess=all
WatchdogSignal=SIGKILL
TimeoutStopSec=5
StateDirectory=heald-whatsapp
StateDirectoryMode=0700
MemoryMax=768M
TasksMax=512
${CONFINED}${BROWSER}`
}
