/**
 * The full counts of what must be shown, set by `npm run soak`. Each variable is read by one test, which has a small
 * count of its own for everyday runs: `Number(process.env['HEALD_SOAK_KILLS'] ?? 5)`. test/structure checks that every
 * variable that is read stands here, and that every one here is read.
 */
export const FULL_COUNTS: Readonly<Record<string, number>> = {
  HEALD_SOAK_LEDGER_KILLS: 200,
  HEALD_SOAK_LEDGER_INJECTIONS: 1000,
  HEALD_SOAK_HANGS: 5000,
  HEALD_SOAK_HOSTILE_SECONDS: 300,
  HEALD_SOAK_DEADMAN_TRIES: 300,
  HEALD_SOAK_POWER_CUTS: 40,
  HEALD_SOAK_NIX_KILLS: 1000,
  HEALD_SOAK_NIXOS_KILLS: 1000,
  HEALD_SOAK_WALKS: 100_000,
  HEALD_SOAK_SCHEDULES: 5000,
  HEALD_SOAK_DELIVERIES_TELEGRAM: 500,
  HEALD_SOAK_DELIVERIES_DISCORD: 500,
  HEALD_SOAK_DELIVERIES_SLACK: 500,
  HEALD_SOAK_DELIVERIES_WHATSAPP: 500,
  HEALD_SOAK_FLIPPED_TREES: 100,
  HEALD_SOAK_ATTACKS: 10_000,
  HEALD_SOAK_INDEX_KILLS: 100,
  HEALD_SOAK_KEY_KILLS: 200,
  HEALD_SOAK_UNIT_KILLS: 10,
}
