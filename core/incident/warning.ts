const MOST_TOLD = 5

/** What a reader of an incident has to know, from the sentences of its report; '' for none. */
export function warningText(warnings: readonly string[]): string {
  const more = warnings.length - MOST_TOLD
  return [...warnings.slice(0, MOST_TOLD), ...(more > 0 ? [`And ${more} more like that.`] : [])].join(' ')
}
