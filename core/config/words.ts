import { type Read, readList } from './read.ts'

const SHELL = 'quote it to mean the character itself, or write [sh, -c, "…"] to have a shell read the line'

/**
 * Splits a command line into words as a shell would, with quotes and backslashes but without any expansion. What a
 * shell would act on ($, |, ;, *, …) is refused unless quoted: passing it on unread would surprise.
 */
export function splitWords(line: string): Read<string[]> {
  const words: string[] = []
  let word: string | undefined
  let index = 0
  const text = line.trim()
  while (index < text.length) {
    const char = text.charAt(index)
    if (char === ' ' || char === '\t') {
      if (word !== undefined) words.push(word)
      word = undefined
      index += 1
    } else if (char === "'") {
      const end = text.indexOf("'", index + 1)
      if (end < 0)
        return { problem: "has a ' that is never closed", hint: "close the quote, or write \\' for the character" }
      word = (word ?? '') + text.slice(index + 1, end)
      index = end + 1
    } else if (char === '"') {
      const quoted = readDoubleQuoted(text, index)
      if (!('value' in quoted)) return quoted
      word = (word ?? '') + quoted.value.text
      index = quoted.value.end
    } else if (char === '\\') {
      if (index + 1 >= text.length) return { problem: 'ends in a backslash', hint: 'remove it, or write \\\\' }
      word = (word ?? '') + text.charAt(index + 1)
      index += 2
    } else if (char === '\n' || char === '\r') {
      return {
        problem: 'runs over several lines',
        hint: 'write one command, or [sh, -c, "…"] to have a shell read the lines',
      }
    } else if ('$`|&;<>()*?[]{}!'.includes(char) || (word === undefined && (char === '~' || char === '#'))) {
      return { problem: `has a ${char}, which only a shell understands, and none is used`, hint: SHELL }
    } else {
      word = (word ?? '') + char
      index += 1
    }
  }
  if (word !== undefined) words.push(word)
  return { value: words }
}

/** From the opening quote at `start`: the text inside and the index after the closing quote. */
function readDoubleQuoted(line: string, start: number): Read<{ text: string; end: number }> {
  let text = ''
  for (let index = start + 1; index < line.length; index++) {
    const char = line.charAt(index)
    if (char === '"') return { value: { text, end: index + 1 } }
    if (char === '$' || char === '`') {
      return {
        problem: `has a ${char}, which only a shell understands, and none is used`,
        hint: `use ' instead of ", or write [sh, -c, "…"]`,
      }
    }
    if (char === '\\' && '"\\$`'.includes(line.charAt(index + 1))) {
      index += 1
      text += line.charAt(index)
    } else {
      text += char
    }
  }
  return { problem: 'has a " that is never closed', hint: 'close the quote, or write \\" for the character' }
}

/** Reads a command, `[node, agent.js]` or `node agent.js`, into its argument list. */
export function readArgv(value: unknown): Read<string[]> {
  const read =
    typeof value === 'string'
      ? splitWords(value)
      : readList(value, 'a list like [node, agent.js], or one line of words', element =>
          typeof element === 'string'
            ? { value: element }
            : { problem: 'must be text', hint: 'put the word in quotes' },
        )
  if (!('value' in read)) return read
  const [program] = read.value
  if (program === undefined || program === '') {
    return { problem: 'names no program', hint: 'write the program first, like [node, agent.js]' }
  }
  const nul = read.value.findIndex(word => word.includes('\0'))
  if (nul >= 0)
    return { problem: 'contains a NUL character', hint: 'remove it', ...(Array.isArray(value) ? { at: [nul] } : {}) }
  if (typeof value === 'string' && /^[A-Za-z_][A-Za-z0-9_]*=/.test(program)) {
    return {
      problem: 'begins with a variable, which only a shell understands',
      hint: 'move it to the key env of the service, or put the program env in front',
    }
  }
  return read
}
