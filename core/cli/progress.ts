const WIDTH = 24
const EVERY_MS = 100
/** What is over sooner needs no bar. */
const QUIET_MS = 300

export interface Progress {
  update(done: number, all: number): void
  /** Takes the bar away. */
  end(): void
}

/**
 * A bar on standard error, redrawn in place; silent when nobody looks (`wanted` false), so that pipes and logs stay clean.
 * @param err writes to standard error
 */
export function progress(
  label: string,
  {
    wanted,
    err,
    nowMs,
  }: { readonly wanted: boolean; readonly err: (text: string) => void; readonly nowMs: () => number },
): Progress {
  if (!wanted) return { update() {}, end() {} }
  const startMs = nowMs()
  let drawnMs = Number.NEGATIVE_INFINITY
  return {
    update(done, all) {
      const now = nowMs()
      if (now - startMs < QUIET_MS || now - drawnMs < EVERY_MS) return
      drawnMs = now
      const part = all === 0 ? 1 : Math.min(1, done / all)
      const full = Math.round(part * WIDTH)
      const leftMs = part === 0 ? Number.NaN : ((now - startMs) / part) * (1 - part)
      const left = Number.isNaN(leftMs) ? '' : `, ${Math.ceil(leftMs / 1000)} s left`
      err(`\r\x1b[K${label} ${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${Math.floor(part * 100)} %${left}`)
    },
    end() {
      if (drawnMs > Number.NEGATIVE_INFINITY) err('\r\x1b[K')
    },
  }
}
