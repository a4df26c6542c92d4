/**
 * What judges a ledger without heald: on a copied folder, with no daemon and no configuration, and with nothing trusted
 * but what the caller brings. Published as `heald/verifier`.
 */
export { type CheckedReceipt, type CheckWith, checkReceipt } from './check.ts'
export { type Checkpoint, openCheckpoint, type SignedCheckpoint } from './checkpoint.ts'
export { type GivenKey, parseGivenKey } from './given-key.ts'
export { parseVkey, type VerifierKey } from './note.ts'
export { type FullReceipt, type Proved, parseFullReceipt, proveFullReceipt } from './tlog-proof.ts'
export { type Finding, type Verdict, type VerifyOptions, verifyLedger } from './verify.ts'
export type { Trust } from './verify-signed.ts'
