import assert from 'node:assert/strict'
import { test } from 'node:test'
import { evaluator, nixIsMissing } from './evaluate.ts'

// The flakes, with a nixpkgs that has only names in it.

const NIXPKGS = `{
  lib = lib // { nixosSystem = { system, modules }: { inherit system; config = small.evaluate modules; }; };
  legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] (_: pkgs);
}`
const FLAKE = `(let
  flake = import (root + "/flake.nix");
  outputs = flake.outputs { self = outputs; nixpkgs = ${NIXPKGS}; };
in outputs)`

test('the flake has packages, a module, an overlay and machines for both kinds of processor', t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const { evaluate } = evaluator(t)
  assert.deepEqual(evaluate(`builtins.mapAttrs (_: builtins.attrNames) ${FLAKE}.packages`), {
    'aarch64-linux': ['default', 'heald', 'heald-whatsapp'],
    'x86_64-linux': ['default', 'heald', 'heald-whatsapp'],
  })
  assert.deepEqual(evaluate(`builtins.attrNames ${FLAKE}.checks.x86_64-linux`), [
    'crash',
    'dead-man',
    'rollback',
    'tamper',
  ])
  assert.match(evaluate<string>(`toString ${FLAKE}.nixosModules.default`), /nix\/module\.nix$/)
  assert.equal(evaluate(`(${FLAKE}.overlays.default pkgs { }).heald.pname`), 'heald')
  assert.match(evaluate<string>(`toString ${FLAKE}.templates.default.path`), /nix\/example$/)
})

test('the example flake makes a host that runs heald', t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const { evaluate } = evaluator(t)
  const host = evaluate<{ units: string[]; failed: unknown[] }>(`let
    example = import (root + "/nix/example/flake.nix");
    host = (example.outputs { self = { }; nixpkgs = ${NIXPKGS}; heald = ${FLAKE}; }).nixosConfigurations.web-1.config;
  in {
    units = builtins.attrNames host.systemd.services;
    failed = builtins.filter (it: !it.assertion) host.assertions;
  }`)
  assert.deepEqual(host, {
    units: ['heald', 'heald-again', 'heald-back', 'heald-bot', 'heald-failed', 'heald-recover'],
    failed: [],
  })
})
