import { test } from 'node:test'
import { walk } from './switch-kills.ts'

for (const what of ['deploy', 'rollback', 'bad deploy'] as const)
  test(`nix-profile: heald is killed at each call of a ${what}, and comes to the safe end`, t =>
    walk(t, 'nix-profile', what))
