const CODES = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39], cyan: [36, 39] } as const

export type Colour = keyof typeof CODES

/** `text` in a colour, or as it is when colours are not wanted. */
export function paint(text: string, colour: Colour | undefined, wanted: boolean): string {
  if (!wanted || colour === undefined || text === '') return text
  const [on, off] = CODES[colour]
  return `\x1b[${on}m${text}\x1b[${off}m`
}
