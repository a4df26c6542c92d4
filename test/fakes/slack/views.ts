import { type Args, refuse } from './web-api.ts'
import type { Workspace } from './workspace.ts'

// Forms: https://docs.slack.dev/surfaces/modals, …/reference/views, …/methods/views.open

/** "A trigger_id will expire 3 seconds after it's generated", and is good once. */
const TRIGGER_MS = 3000

export interface View {
  readonly id: string
  readonly callbackId: string
  readonly metadata: string
  readonly title: string
  /** Block and action of the only field. */
  readonly field: readonly [string, string]
  /** Who sees it. */
  readonly user: string
  isSubmitted: boolean
}

export function openView(workspace: Workspace, args: Args): Args {
  const trigger = workspace.triggers.get(String(args.trigger_id))
  if (trigger === undefined) return refuse('invalid_trigger_id')
  if (trigger.isUsed) refuse('exchanged_trigger_id')
  if (Date.now() - trigger.bornMs > TRIGGER_MS) refuse('expired_trigger_id')
  const view = (typeof args.view === 'string' ? JSON.parse(args.view) : args.view) as Args
  const flaw = flawIn(view)
  if (flaw !== null) refuse('invalid_arguments', { response_metadata: { messages: [`[ERROR] ${flaw}`] } })
  trigger.isUsed = true
  const [block] = view.blocks as Args[]
  const element = block?.element as Args
  const id = workspace.newId('V')
  workspace.views.push({
    ...{ id, callbackId: String(view.callback_id), metadata: String(view.private_metadata ?? '') },
    ...{ title: String((view.title as Args).text), user: trigger.user, isSubmitted: false },
    field: [String(block?.block_id), String(element.action_id)],
  })
  return { view: { id } }
}

/** What heald uses of forms; any other block is refused. */
function flawIn(view: Args): string | null {
  if (view.type !== 'modal') return 'type: must be modal'
  const isText = (value: unknown, most: number) => {
    const { type, text } = (value ?? {}) as Args
    return type === 'plain_text' && typeof text === 'string' && text.length >= 1 && text.length <= most
  }
  for (const name of ['title', 'submit', 'close'])
    if (!isText(view[name], 24)) return `${name}: must be plain text of 1 to 24 characters`
  if (String(view.private_metadata ?? '').length > 3000) return 'private_metadata: too long'
  if (String(view.callback_id ?? '').length > 255) return 'callback_id: too long'
  const blocks = Array.isArray(view.blocks) ? (view.blocks as Args[]) : []
  if (blocks.length !== 1) return 'blocks: the fake knows forms of one field'
  const [block = {}] = blocks
  if (block.type !== 'input' || !isText(block.label, 2000)) return 'blocks/0: an input needs a label'
  const { type, min_length: least = 0, max_length: most = 3000 } = (block.element ?? {}) as Args
  if (type !== 'plain_text_input') return 'blocks/0/element: unsupported type'
  return Number(least) <= 3000 && Number(most) >= 1 && Number(most) <= 3000 ? null : 'blocks/0/element: length'
}

/** The body of what is sent when somebody fills the newest form in. */
export function submissionOf(workspace: Workspace, value: string, trigger: string): object {
  const view = workspace.views.findLast(({ isSubmitted }) => !isSubmitted)
  if (view === undefined) throw new Error('there is no form to fill in')
  view.isSubmitted = true
  const [block, action] = view.field
  return {
    ...{ type: 'view_submission', api_app_id: workspace.appId, token: 'legacy', trigger_id: trigger },
    user: { id: view.user, username: view.user.toLowerCase(), name: view.user.toLowerCase(), team_id: workspace.team },
    team: { id: workspace.team, domain: workspace.domain },
    view: {
      ...{ id: view.id, type: 'modal', callback_id: view.callbackId, private_metadata: view.metadata, blocks: [] },
      state: { values: { [block]: { [action]: { type: 'plain_text_input', value } } } },
    },
    ...{ response_urls: [], is_enterprise_install: false, enterprise: null },
  }
}
