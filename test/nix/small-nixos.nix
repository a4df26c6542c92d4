# The options of NixOS that nix/module.nix and its tests define, typed, and a few packages that can be named but not built.
let
  lib = import ./small-lib;
  inherit (lib) mkOption types;
  option = type: default: mkOption { inherit type default; };

  # What systemd.unit(5) takes: one value, or a line for each of several.
  scalar = types.oneOf [ types.bool types.int types.str ];
  unitOption = types.attrsOf (types.either scalar (types.listOf scalar));
  service = { ... }: {
    options = {
      enable = option types.bool true;
      description = option types.str "";
      documentation = option (types.listOf types.str) [ ];
      wantedBy = option (types.listOf types.str) [ ];
      wants = option (types.listOf types.str) [ ];
      after = option (types.listOf types.str) [ ];
      before = option (types.listOf types.str) [ ];
      requires = option (types.listOf types.str) [ ];
      onFailure = option (types.listOf types.str) [ ];
      path = option (types.listOf types.package) [ ];
      environment = option (types.attrsOf types.str) { };
      startLimitIntervalSec = option (types.nullOr types.int) null;
      stopIfChanged = option types.bool true;
      restartIfChanged = option types.bool true;
      restartTriggers = option (types.listOf types.raw) [ ];
      reloadTriggers = option (types.listOf types.raw) [ ];
      unitConfig = option unitOption { };
      serviceConfig = option unitOption { };
    };
  };
  socket = { ... }: {
    options = {
      description = option types.str "";
      wantedBy = option (types.listOf types.str) [ ];
      socketConfig = option unitOption { };
    };
  };
  file = { ... }: {
    options = {
      enable = option types.bool true;
      text = option (types.nullOr types.lines) null;
      source = option (types.nullOr (types.either types.path types.package)) null;
      mode = option types.str "symlink";
    };
  };
  user = { ... }: {
    options = {
      isSystemUser = option types.bool false;
      isNormalUser = option types.bool false;
      group = mkOption { type = types.str; };
    };
  };
  specialisation = { ... }: { options.configuration = option types.raw { }; };
  assertion = { ... }: {
    options = { assertion = mkOption { type = types.bool; }; message = mkOption { type = types.str; }; };
  };

  nixos.options = {
    assertions = option (types.listOf (types.submodule assertion)) [ ];
    warnings = option (types.listOf types.str) [ ];
    nix = { enable = option types.bool true; package = option types.package (package "nix"); };
    environment = {
      systemPackages = option (types.listOf types.package) [ ];
      etc = option (types.attrsOf (types.submodule file)) { };
    };
    systemd = {
      services = option (types.attrsOf (types.submodule service)) { };
      sockets = option (types.attrsOf (types.submodule socket)) { };
      tmpfiles.rules = option (types.listOf types.str) [ ];
    };
    users = {
      users = option (types.attrsOf (types.submodule user)) { };
      groups = option (types.attrsOf (types.submodule { options.gid = option (types.nullOr types.int) null; })) { };
    };
    specialisation = option (types.attrsOf (types.submodule specialisation)) { };
  };

  package = name: {
    type = "derivation";
    inherit name;
    pname = name;
    outPath = "/nix/store/00000000000000000000000000000000-${name}";
    meta.mainProgram = name;
  };

  evaluate = modules: (lib.evalModules { modules = [ nixos ] ++ modules; specialArgs = { inherit pkgs; }; }).config;

  pkgs = lib.genAttrs
    [ "bash" "coreutils" "util-linux" "getent" "chromium" "nodejs" "nodejs_24" "python3" "curl" "jq" "installShellFiles" ]
    package
  // {
    inherit lib;
    stdenv.hostPlatform.node = { platform = "linux"; arch = "x64"; };
    writeText = name: text: package name // { inherit text; };
    callPackage = path: more:
      let
        function = import path;
        given = lib.filterAttrs (name: _: pkgs ? ${name}) (builtins.functionArgs function);
      in function (builtins.mapAttrs (name: _: pkgs.${name}) given // more);
    # What is asked for is what is looked at.
    buildNpmPackage = asked: package asked.pname // { inherit asked; meta = asked.meta; };
    importNpmLock = {
      __functor = _: asked: package "npm-deps" // { inherit asked; };
      npmConfigHook = package "npm-config-hook";
    };
    testers.runNixOSTest = asked: asked // { machine = evaluate [ asked.nodes.machine ]; };
  };
in { inherit lib pkgs evaluate nixos; }
