# heald as a package of Nix: what `npm pack` would publish, with its dependencies from the lock and nixpkgs' own Node.
{
  lib,
  stdenv,
  buildNpmPackage,
  importNpmLock,
  installShellFiles,
  nodejs_24,
  chromium,
  # whatsapp-web.js and a Chromium. Not set for nothing: it more than doubles what is installed.
  withWhatsApp ? false,
  # Where the lock's packages are fetched from, each checked against its SHA-512.
  registry ? "https://" + lib.concatStringsSep "." [ "registry" "npmjs" "org" ],
}:
let
  manifest = lib.importJSON ../package.json;
  inherit (import ./lock.nix {
    inherit lib manifest registry withWhatsApp;
    lock = lib.importJSON ../package-lock.json;
    inherit (stdenv.hostPlatform.node) platform arch;
  }) package packageLock;
in
buildNpmPackage {
  pname = "heald";
  inherit (manifest) version;

  src = lib.fileset.toSource {
    root = ../.;
    fileset = lib.fileset.unions [
      ../package.json
      ../package-lock.json
      ../tsconfig.json
      ../heald.js
      ../heald.ts
      ../core
      ../bot
      ../adapters
      ../test/package
      ../docs
      ../README.md
      ../CHANGELOG.md
      ../SECURITY.md
      ../LICENSE
    ];
  };

  nodejs = nodejs_24;
  npmDeps = importNpmLock { inherit package packageLock; };
  npmConfigHook = importNpmLock.npmConfigHook;
  # A Chromium comes with nixpkgs, if at all.
  env.PUPPETEER_SKIP_DOWNLOAD = "1";

  nativeBuildInputs = [ installShellFiles ];
  # Not by `npm run`: its scripts are for clones.
  dontNpmBuild = true;
  buildPhase = ''
    runHook preBuild
    node test/package/build.ts
    runHook postBuild
  '';
  npmPackFlags = [ "--ignore-scripts" ];
  makeWrapperArgs = lib.optionals withWhatsApp [ "--suffix" "PATH" ":" (lib.makeBinPath [ chromium ]) ];
  postInstall = ''
    # Some package may be used with a TypeScript, so npm keeps it.
    rm -rf $out/lib/node_modules/heald/node_modules/{typescript,@typescript,.bin/tsc}
    # Run by a unit when heald itself stays down.
    makeWrapper ${lib.getExe nodejs_24} $out/libexec/heald-failed \
      --add-flags $out/lib/node_modules/heald/dist/core/install/sender.js
  '' + lib.optionalString withWhatsApp ''
    # Run by the unit of WhatsApp.
    makeWrapper ${lib.getExe nodejs_24} $out/libexec/heald-whatsapp \
      --add-flags $out/lib/node_modules/heald/dist/adapters/chat/whatsapp-child.js
  '' + ''
    installManPage dist/heald.1
    for shell in bash zsh fish; do
      node dist/heald.js completion $shell > heald.$shell
    done
    installShellCompletion --cmd heald --bash heald.bash --zsh heald.zsh --fish heald.fish
  '';

  doInstallCheck = true;
  installCheckPhase = ''
    runHook preInstallCheck
    HOME=$TMPDIR $out/bin/heald --version | grep -F ${manifest.version}
    runHook postInstallCheck
  '';

  meta = {
    inherit (manifest) description;
    license = lib.licenses.asl20;
    platforms = lib.platforms.linux;
    mainProgram = "heald";
  };
}
