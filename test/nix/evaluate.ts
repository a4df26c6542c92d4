import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { TestContext } from 'node:test'
import { has } from '../adapters/host/nix-stand.ts'

export const ROOT = resolve(import.meta.dirname, '../..')

/** Why nothing can be evaluated here; null when it can. */
export function nixIsMissing(): string | null {
  return has('nix-instantiate') ? null : 'needs nix-instantiate'
}

/** A real Nix with a store of its own that stays empty: nothing is built, and nothing is fetched. */
export function evaluator(t: TestContext) {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'heald-evaluate-')))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  mkdirSync(join(root, 'etc'))
  writeFileSync(join(root, 'etc/nix.conf'), 'build-users-group =\nsubstituters =\n')
  const env = {
    PATH: process.env.PATH,
    HOME: root,
    NIX_STORE_DIR: join(root, 'store'),
    NIX_STATE_DIR: join(root, 'state'),
    NIX_LOG_DIR: join(root, 'log'),
    NIX_CONF_DIR: join(root, 'etc'),
    NIX_USER_CONF_FILES: '',
    NIX_REMOTE: '',
    NIX_PATH: '',
  }
  const nix = (...words: string[]): string => {
    const options = { cwd: ROOT, env, encoding: 'utf8', timeout: 100_000, maxBuffer: 64 << 20 } as const
    const { status, stdout, stderr } = spawnSync('nix-instantiate', words, options)
    if (status !== 0) throw new Error(stderr)
    return stdout
  }
  return {
    parse: (file: string) => nix('--parse', file),
    /** The value of an expression; `small` is test/nix/small-nixos.nix, `root` this folder, `input` what is handed over. */
    evaluate<T>(expression: string, input: unknown = null): T {
      const file = join(root, 'input.json')
      writeFileSync(file, JSON.stringify(input))
      const scope = `let small = import ${ROOT}/test/nix/small-nixos.nix; inherit (small) lib pkgs; root = ${ROOT};
        input = builtins.fromJSON (builtins.readFile ${file}); in ${expression}`
      return JSON.parse(nix('--eval', '--strict', '--json', '-E', scope)) as T
    },
  }
}

/** The file that the module writes for these settings, and the rest of the system, with what `more` of a module adds. */
export const CONFIGURED = `(settings: more: let
  system = small.evaluate [ (root + "/nix/module.nix") { services.heald = { enable = true; inherit settings; }; } more ];
in {
  file = builtins.fromJSON system.environment.etc."heald/heald.yaml".source.text;
  inherit (system) assertions warnings users;
  units = system.systemd.services;
  sockets = system.systemd.sockets;
  programs = map toString system.environment.systemPackages;
})`
