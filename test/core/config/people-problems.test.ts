import { type Case, testProblems } from './marked.ts'

const CASES: readonly Case[] = [
  ['operators in a list', 'operators: ‸[alice]\n', [['operators', /map of keys, not a list/, /alice: \{ role/]]],
  ['an operator of text', 'operators: { alice: ‸admin }\n', [['operators.alice', /map of keys/, /\{ role: operator/]]],
  [
    'an operator without a role',
    'operators: { ‸alice: { telegram: 1 } }\n',
    [['operators.alice', /no key "role"/, /role: operator/]],
  ],
  [
    'an operator’s name',
    'operators: { ‸Alice: { role: admin } }\n',
    [['operators.Alice', /usable name for an operator/, /small letters/]],
  ],
  ['a near role', 'operators: { a: { role: ‸operater } }\n', [['operators.a.role', /not a role/, /operator\?/]]],
  ['a role of nothing', 'operators: { a: { ‸role: } }\n', [['operators.a.role', /must be a role/, /viewer/]]],
  [
    'an operator’s near key',
    'operators: { a: { role: admin, ‸telegam: 1 } }\n',
    [['operators.a.telegam', /unknown/, /"telegram"/]],
  ],
  [
    'a group as a person',
    'operators: { a: { role: admin, telegram: ‸-100 } }\n',
    [['operators.a.telegram', /number of a person/, /whoami/]],
  ],
  [
    'a name on Telegram',
    'operators: { a: { role: admin, telegram: ‸"@a" } }\n',
    [['operators.a.telegram', /change hands/, /number/]],
  ],
  [
    'a name on Slack',
    'operators: { a: { role: admin, slack: ‸alice } }\n',
    [['operators.a.slack', /change hands/, /member ID/]],
  ],
  [
    'a channel on Slack',
    'operators: { a: { role: admin, slack: [U0123, ‸C0123] } }\n',
    [['operators.a.slack[1]', /id of a person/, /U01/]],
  ],
  [
    'a name on Discord',
    'operators: { a: { role: admin, discord: ‸bob } }\n',
    [['operators.a.discord', /number of a person/, /whoami/]],
  ],
  [
    'an account of two',
    'operators:\n  a: { role: admin, telegram: 7 }\n  b: { role: viewer, telegram: ‸[8, 7] }\n',
    [['operators.b.telegram', /is a's too/, /one operator/]],
  ],
  [
    'an account of two, once with its team',
    'operators:\n  a: { role: admin, slack: T0123/U0123 }\n  b: { role: viewer, slack: ‸U0123 }\n',
    [['operators.b.slack', /is a's too/, /one operator/]],
  ],
  [
    'a secret itself',
    'operators: { a: { role: admin, totp: ‸JBSWY3DPEHPK3PXP } }\n',
    [['operators.a.totp', /must not be in this file/, /file: /]],
  ],
  [
    'policy of a near word',
    'policy: { ‸rolback: { approvals: 1 } }\n',
    [['policy.rolback', /not a word/, /"rollback"/]],
  ],
  ['policy of no word', 'policy: { ‸xyzzy: { approvals: 1 } }\n', [['policy.xyzzy', /not a word/, /one of status/]]],
  [
    'policy of an approval',
    'policy: { ‸approve: { role: admin } }\n',
    [['policy.approve', /no policy of its own/, /may approve/]],
  ],
  ['policy of what anybody may', 'policy: { ‸whoami: { role: admin } }\n', [['policy.whoami', /no policy/, /anybody/]]],
  ['policy of the host', 'policy: { ‸unlock: { role: admin } }\n', [['policy.unlock', /no policy/, /host alone/]]],
  [
    'approvals of what only reads',
    'policy: { status: { ‸approvals: 1, role: admin } }\n',
    [['policy.status.approvals', /only reads/, /only the role/]],
  ],
  [
    'too many approvals',
    'policy: { stop: { approvals: ‸11 } }\n',
    [['policy.stop.approvals', /out of range/, /0 to 10/]],
  ],
  ['a short expiry', 'policy: { stop: { expire: ‸1s } }\n', [['policy.stop.expire', /too short/, /at least 10 s/]]],
  ['policy’s near key', 'policy: { stop: { ‸aprovals: 1 } }\n', [['policy.stop.aprovals', /unknown/, /"approvals"/]]],
  [
    'an unknown person on call',
    'operators: { alice: { role: admin } }\noncall: [‸alise]\n',
    [['oncall[0]', /not an operator/, /"alice"/]],
  ],
  ['nobody on call', 'oncall: ‸alice\n', [['oncall', /not an operator/, /under "operators"/]]],
]

testProblems(CASES)
