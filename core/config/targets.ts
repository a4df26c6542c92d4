import { resolve } from 'node:path'
import type { TargetSpec } from './spec.ts'

/** What the check and the resolving of targets both have to know. */

export type TargetKind = TargetSpec['kind']

export const TARGET_KINDS: readonly TargetKind[] = ['releases', 'nix-profile', 'nixos']

export const SYSTEM_PROFILE = '/nix/var/nix/profiles/system'
export const RUNNING_SYSTEM = '/run/current-system'

export const MAX_TARGETS = 100
export const MAX_CHECKS = 20

export const DEFAULT_ACTIVATION_MS = 60_000
export const LEAST_ACTIVATION_MS = 1000
export const MOST_ACTIVATION_MS = 3_600_000
export const DEFAULT_PROBATION_MS = 120_000
export const LEAST_PROBATION_MS = 100
/** Leaves room for a `deadMan` beyond it that a timer still takes. */
export const MOST_PROBATION_MS = 7 * 86_400_000
export const DEFAULT_PER_HOUR = 2
export const DEFAULT_PER_DAY = 4
export const MOST_A_DAY = 1000

/** What is not well yet when a probation is over gets so much longer. The dead-man leaves 60 s. */
export const PROBATION_LONGER_MS = 30_000

/** The key that says where a target is. */
export function placeKey(kind: TargetKind): 'path' | 'profile' {
  return kind === 'releases' ? 'path' : 'profile'
}

/** Where a target is, absolute; undefined when nothing says so. */
export function placeOf(
  kind: TargetKind,
  written: { readonly path?: unknown; readonly profile?: unknown },
  folder: string,
): string | undefined {
  const place = written[placeKey(kind)] ?? (kind === 'nixos' ? SYSTEM_PROFILE : undefined)
  return typeof place === 'string' && place !== '' ? resolve(folder, place) : undefined
}

/** Between the last moment of a probation and the dead-man: to commit and to disarm it, on a busy disk too. */
const MARGIN_MS = 60_000

/** A dead-man that fires sooner could lead back from a switch that is going well. */
export function leastDeadManMs(probationMs: number, activationDeadlinesMs: readonly number[]): number {
  return Math.max(0, ...activationDeadlinesMs) + probationMs + MARGIN_MS
}
