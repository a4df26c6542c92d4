/**
 * The front door and the composition root.
 *
 * 1. `heald.js` has switched on the compile cache: it is what keeps the daemon small and starts short.
 * 2. The argument line is taken apart by `core/cli/front.ts`, against the table in `core/cli/commands.ts`.
 * 3. Here, and only here, adapters are handed to the core.
 */
import { WARM } from './core/cli/cache.js'

const argv = process.argv.slice(2)
const { front } = await import('./core/cli/front.ts')
const { subcommands } = await import('./core/cli/commands.ts')

const table = subcommands({
  up: async () => {
    const { run } = await import('./core/cli/up.ts')
    return { run: (context, words, values) => run(context, words, values, loadHost) }
  },
  init: async () => {
    const [{ run }, { offeredUnits }] = await Promise.all([
      import('./core/cli/init.ts'),
      import('./adapters/host/unit-discovery.ts'),
    ])
    return { run: (context, words, values) => run(context, words, values, () => offeredUnits()) }
  },
  bot: async () => {
    const [{ run }, { openerOf }] = await Promise.all([import('./bot/main.ts'), import('./adapters/chat/table.ts')])
    return { run: (context, words, values) => run(context, words, values, openerOf) }
  },
  whatsapp: async () => {
    const [{ run }, { pairWhatsApp }] = await Promise.all([
      import('./bot/pair.ts'),
      import('./adapters/chat/whatsapp-pair.ts'),
    ])
    return { run: (context, words, values) => run(context, words, values, pairWhatsApp) }
  },
  fakes: async () => ({
    async run({ out, err, signal }, _words, values) {
      const { existsSync } = await import('node:fs')
      const stage = new URL('test/fakes/stage.ts', import.meta.url)
      if (!existsSync(stage)) {
        err('heald fakes: the fakes are in a clone of heald only, not in an installation\n')
        return 3
      }
      // Not by its name: a build would take the fakes along.
      const { DEFAULT_PORT, runStage }: Stage = await import(stage.href)
      return runStage({
        port: Number(values.port ?? DEFAULT_PORT),
        whatsapp: values.whatsapp === true,
        out,
        err,
        signal,
      })
    },
  }),
  doctor: async () => {
    const { run } = await import('./core/cli/doctor.ts')
    return { run: (context, words) => run(context, words, loadProbes) }
  },
})

/** `test/fakes/stage.ts`. */
interface Stage {
  readonly DEFAULT_PORT: number
  readonly runStage: (options: {
    readonly port: number
    readonly whatsapp: boolean
    readonly out: (text: string) => void
    readonly err: (text: string) => void
    readonly signal: AbortSignal
  }) => Promise<number>
}

async function loadHost() {
  const { createServiceHost } = await import('./adapters/host/services.ts')
  const openTarget: import('./core/cli/up.ts').OpenOnHost = async (state, spec, env) => {
    const [host, { placeOf }] = await Promise.all([
      import('./adapters/host/targets.ts'),
      import('./core/safeswitch/memory.ts'),
    ])
    return host.openTarget(state, spec, placeOf(spec), env)
  }
  const [{ findAccount }, { serviceManager }] = await Promise.all([
    import('./adapters/host/account.ts'),
    import('./adapters/host/service-manager.ts'),
  ])
  return { createServiceHost, openTarget, findAccount, serviceManager }
}

async function loadProbes({ env }: { readonly env: NodeJS.ProcessEnv }) {
  const { probeChannel } = await import('./adapters/chat/probe.ts')
  const { secretReader } = await import('./core/secret.ts')
  return { probe: probeChannel, readSecret: secretReader(env) }
}

if (argv[0] === WARM) await warm()
else await front(argv, table)

/** Loads what a daemon loads, now or later, so that it is in the compile cache; `cache.js` asks for it. */
async function warm(): Promise<void> {
  await Promise.all([
    import('./core/cli/up.ts'),
    loadHost(),
    import('./adapters/host/systemd.ts'),
    import('./core/config/load.ts'),
    import('./core/config/load-apart.ts'),
    import('./core/heal/probe/http.ts'),
    import('./core/heal/probe/tcp.ts'),
    import('./core/heal/probe/exec.ts'),
    import('./core/heal/probe/file.ts'),
    import('./core/safeswitch/safeswitch.ts'),
    import('./core/notice/bot-service.ts'),
    import('./core/notice/notices.ts'),
    import('./core/ledger/index/reader.ts'),
    import('./adapters/host/targets.ts'),
    import('./adapters/host/releases.ts'),
    import('./adapters/host/nix-profile.ts'),
    import('./adapters/host/nixos.ts'),
  ])
}
