/** `HEALD_BENCH=small`: counts for a quick look or a CI machine; else the counts that the figures are promised for. */
export const isSmall = process.env.HEALD_BENCH === 'small'

export function count(small: number, full: number): number {
  return isSmall ? small : full
}
