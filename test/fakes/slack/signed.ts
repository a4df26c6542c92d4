import { createHmac } from 'node:crypto'

export interface SignedHow {
  /** Seconds from now in what is sent as the moment of signing. */
  readonly offS?: number
  readonly secret: string
  /** In place of the right signature. */
  readonly signature?: string
  readonly contentType?: string
}

/** Sends a request as Slack does (https://docs.slack.dev/authentication/verifying-requests-from-slack). */
export async function sendSigned(url: string, body: string, how: SignedHow): Promise<{ status: number; body: string }> {
  const timestamp = String(Math.floor(Date.now() / 1000) + (how.offS ?? 0))
  const signature = `v0=${createHmac('sha256', how.secret).update(`v0:${timestamp}:${body}`).digest('hex')}`
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': how.contentType ?? 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': timestamp,
      'x-slack-signature': how.signature ?? signature,
      'user-agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
    },
    body,
  })
  return { status: response.status, body: await response.text() }
}

/** A slash command is the form itself; an interaction is JSON in its field `payload`. */
export function formOf(type: 'slash_commands' | 'interactive', payload: object): string {
  if (type === 'interactive') return new URLSearchParams({ payload: JSON.stringify(payload) }).toString()
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries(payload)) form.set(name, String(value))
  return form.toString()
}
