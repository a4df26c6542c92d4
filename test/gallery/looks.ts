/** How the platforms look, in plain CSS: near enough to judge how a card reads, and nothing is loaded from anywhere. */
export const LOOKS = `
* { box-sizing: border-box }
body { margin: 0; font: 13px/1.4 "DejaVu Sans", "Noto Sans", sans-serif }
b { font-weight: bold } pre { overflow-wrap: anywhere } pre, code, .terminal { font-family: "DejaVu Sans Mono", monospace }
.text, .content, .description, .section, .field { white-space: pre-wrap; overflow-wrap: anywhere }
button { font: inherit; cursor: pointer } .row { display: flex; gap: 6px; margin-top: 6px; flex-wrap: wrap }

.telegram { background: #cfdcc4; color: #111 }
.telegram .message { background: #fff; border-radius: 12px; padding: 8px 12px; box-shadow: 0 1px 1px #0003 }
.telegram time { color: #2f7cc0 } .telegram .row button { flex: 1; border: 0; border-radius: 8px; padding: 7px; background: #5c8a5c99; color: #fff }
.telegram blockquote { margin: 2px 0; padding: 3px 10px; border-left: 3px solid #4fa04f; background: #eaf5e6; border-radius: 4px; font-size: 13px }
.telegram pre { margin: 2px 0; padding: 6px 10px; background: #f1f3f0; border-radius: 4px; white-space: pre-wrap; font-size: 12px }
.telegram .reply { border-left: 3px solid #4fa04f; padding-left: 8px; color: #3d813d; font-size: 12px; margin-bottom: 4px }

.discord { background: #313338; color: #dbdee1 }
.discord .embed { background: #2b2d31; border-left: 4px solid; border-radius: 4px; padding: 10px 14px; max-width: 520px }
.discord .title { font-weight: bold; color: #fff; margin-bottom: 6px; font-size: 15px } .discord .description { font-size: 13px }
.discord .fields { display: grid; grid-template-columns: repeat(3, 1fr); gap: 8px; margin-top: 8px; font-size: 13px }
.discord .field b { display: block; color: #fff } .discord .field.wide { grid-column: 1 / -1 }
.discord .footer { margin-top: 8px; font-size: 11px; color: #b5bac1 } .discord pre { background: #1e1f22; border-radius: 4px; padding: 7px; margin: 4px 0; white-space: pre-wrap; font-size: 12px }
.discord time { background: #4e505880; border-radius: 3px; padding: 0 2px } .discord .reply { color: #b5bac1; font-size: 12px; margin-bottom: 4px }
.discord button { border: 0; border-radius: 4px; padding: 6px 14px; background: #4e5058; color: #fff } .discord .primary { background: #5865f2 } .discord .danger { background: #da373c }

.slack { background: #fff; color: #1d1c1d }
.slack .message { border: 1px solid #e4e4e4; border-radius: 6px; padding: 10px 14px } .slack .block { margin: 4px 0 } .slack .header { font-weight: bold; font-size: 17px }
.slack .fields { display: grid; grid-template-columns: 1fr 1fr; gap: 8px } .slack .field { font-size: 13px }
.slack ul { margin: 2px 0; padding-left: 20px } .slack li { margin: 1px 0 } .slack .context { color: #616061; font-size: 12px }
.slack code { color: #e01e5a; background: #f7f7f8; border: 1px solid #ddd; border-radius: 3px; padding: 0 3px; font-size: 12px }
.slack pre { border: 1px solid #ddd; background: #f8f8f8; border-radius: 4px; padding: 7px; margin: 4px 0; white-space: pre-wrap; font-size: 12px }
.slack .section { display: inline } .slack pre .section, .slack .block > .section { display: block } .slack .reply { color: #616061; font-size: 12px }
.slack button { border: 1px solid #bbb; border-radius: 4px; padding: 5px 12px; background: #fff } .slack .primary { background: #007a5a; color: #fff } .slack .danger { background: #e01e5a; color: #fff }

.whatsapp { background: #efeae2; color: #111b21 }
.whatsapp .message { background: #fff; border-radius: 8px; padding: 7px 10px; box-shadow: 0 1px 1px #0002 }
.whatsapp pre { margin: 0; white-space: pre-wrap; font-size: 12px } .whatsapp .reply { border-left: 4px solid #06cf9c; background: #f5f6f6; padding: 4px 8px; border-radius: 4px; color: #667781; font-size: 12px; margin-bottom: 4px }

.console { background: #0c0c0c; color: #d0d0d0 }
.terminal { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; font-size: 12.5px } .sgr-1 { font-weight: bold } .sgr-2 { color: #8a8a8a }
.sgr-31 { color: #ff5f5f } .sgr-32 { color: #5fd75f } .sgr-33 { color: #ffaf5f } .sgr-36 { color: #5fd7d7 }
.console .reply { display: none }
`
