import { cleanLine } from '../../core/cli/text.ts'
import { clockTime } from '../../core/cli/time.ts'
import type { Args, Platform } from '../../core/command/port.ts'
import type { Attachment } from '../channel.ts'
import { cleaned } from '../cleaned.ts'
import type { Links } from '../links.ts'
import type { Block, Button, Message } from '../message.ts'
import type { Place } from '../render.ts'

/** What is shown to somebody who said a word. */
export interface Answer {
  readonly message: Message
  readonly file?: Attachment
}

/** Where and how an answer is shown. */
export interface Showing {
  readonly place: Place
  readonly nowMs: number
  readonly platform: Platform
  /** What was said, for its other pages. */
  readonly line: string
  /** From 1 on. */
  readonly page: number
  readonly links: Links
  /** The last lines that a service wrote may be shown. */
  readonly hasLogs: boolean
}

/** Puts what core answered into a message. `data` is as `core/command/answers.ts` gives it. */
export type Render = (data: unknown, args: Args, showing: Showing) => Answer

type Parts = Pick<Message, 'icon' | 'title'> & Partial<Message>

export function answer(parts: Parts, { place }: Showing, file?: Attachment): Answer {
  const message = cleaned({ tone: 'info', blocks: [], footer: place.host, buttons: [], ...parts })
  return file === undefined ? { message } : { message, file }
}

/** A block of lines; none for no lines. */
export function lines(...all: readonly string[]): Block[] {
  const said = all.filter(line => line !== '')
  return said.length === 0 ? [] : [{ block: 'text', text: said.join('\n') }]
}

export function button(id: string, label: string, style: Button['style'] = 'plain'): Button {
  return { id, label: cut(cleanLine(label), 40), style }
}

/** How people on this platform write a word: `/rollback`, `/heald rollback`. */
export function written(line: string, platform: Platform): string {
  return platform === 'slack' ? `/heald ${line}` : `/${line}`
}

export function at(ts: string | number, { nowMs, place }: Showing): string {
  const atMs = typeof ts === 'string' ? Date.parse(ts) : ts
  return Number.isNaN(atMs) ? 'at an unknown time' : clockTime(atMs, nowMs, place.tz)
}

export function cut(text: string, mostChars: number): string {
  return text.length <= mostChars ? text : `${text.slice(0, mostChars - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
}

/** The part of a list that this page shows, and the buttons to the others. */
export function paged<T>(
  all: readonly T[],
  perPage: number,
  { page, line, links }: Showing,
): { readonly shown: readonly T[]; readonly row: readonly Button[]; readonly note: string } {
  const pages = Math.max(1, Math.ceil(all.length / perPage))
  const now = Math.min(page, pages)
  const shown = all.slice((now - 1) * perPage, now * perPage)
  const row = [
    ...(now > 1 ? [button(links.turn(line, now - 1), '◀ Back')] : []),
    ...(now < pages ? [button(links.turn(line, now + 1), 'More ▶')] : []),
  ]
  return { shown, row, note: pages === 1 ? '' : `page ${now} of ${pages}` }
}

export function footer(...parts: readonly string[]): string {
  return parts.filter(part => part !== '').join(' · ')
}
