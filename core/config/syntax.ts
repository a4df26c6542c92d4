import type { ErrorCode } from 'yaml'

type Words = { readonly message: string; readonly hint: string }

const BRACKETS = 'check the quotes, brackets and commas here and on the line above'
const INDENT = 'give keys of one map the same number of spaces in front'

/**
 * Our own words for what the parser found: the parser's repeat the source, which can be a secret, and speak of YAML's
 * grammar rather than of what to do.
 */
const WORDS: Partial<Record<ErrorCode, Words>> = {
  BAD_ALIAS: {
    message: 'uses an alias (*name) that no anchor (&name) defines',
    hint: 'put text that begins with * in quotes',
  },
  BAD_DQ_ESCAPE: {
    message: 'has a backslash that YAML does not know',
    hint: 'write \\\\ for one backslash, or use single quotes',
  },
  BAD_INDENT: { message: 'is not indented as its neighbours are, or a bracket is not closed', hint: INDENT },
  BAD_SCALAR_START: { message: 'begins with @ or `, which YAML reserves', hint: 'put the text in quotes' },
  BLOCK_AS_IMPLICIT_KEY: {
    message: 'has a second ": " on one line, or the line below is indented too far',
    hint: 'put the text in quotes, or the inner map on lines of its own',
  },
  BLOCK_IN_FLOW: {
    message: 'lacks a comma, or mixes indented lines into { } or [ ]',
    hint: 'use brackets all through, or lines all through',
  },
  MISSING_CHAR: { message: 'lacks a quote, a bracket, a comma or a space', hint: BRACKETS },
  MULTILINE_IMPLICIT_KEY: { message: 'looks like a key over several lines', hint: `${BRACKETS}; a key ends in ":"` },
  MULTIPLE_DOCS: {
    message: 'begins a second document',
    hint: 'keep one configuration in the file; remove the line ---',
  },
  NON_STRING_KEY: { message: 'is not a usable key', hint: 'write plain text before the ":"' },
  RESOURCE_EXHAUSTION: { message: 'is nested too deeply', hint: 'no key needs this depth; check the brackets' },
  TAB_AS_INDENT: { message: 'is indented with a tab, which YAML does not allow', hint: 'use spaces' },
  TAG_RESOLVE_FAILED: {
    message: 'has a tag (!…) that is not supported',
    hint: 'remove it, or put text that begins with ! in quotes',
  },
  UNEXPECTED_TOKEN: { message: 'does not belong here', hint: BRACKETS },
}

export function explainSyntax(code: ErrorCode): Words {
  return WORDS[code] ?? { message: 'is not valid YAML', hint: BRACKETS }
}
