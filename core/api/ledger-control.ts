export interface CheckpointMade {
  /** The signed note. */
  readonly note: string
  /** Entries that it covers. */
  readonly size: number
}

export interface KeyMade {
  readonly epoch: number
  /** The public key, as people keep it. */
  readonly vkey: string
  /** Seq of the entry that tells of it. */
  readonly seq: number
}

/** What the socket's server asks about the ledger's checkpoints and keys. Errors are Faults. */
export interface LedgerControl {
  checkpoint(): Promise<CheckpointMade>
  rotateKey(by: string): Promise<KeyMade>
}
