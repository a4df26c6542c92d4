# services.heald: heald as a unit of NixOS.
#
# 1. What is written under `settings` becomes /etc/heald/heald.yaml, key by key; what is left out stays out of it.
# 2. Where channels are written, the bot is a unit of its own, without rights. Its secrets reach it as credentials. The
#    browser of WhatsApp is another, of another user.
# 3. A changed file is applied by a reload: nothing is restarted for it. A new heald takes the services up as they run.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkDefault mkIf mkMerge mkOption types;
  cfg = config.services.heald;

  # JSON has no way to leave something out but to do so.
  written = value:
    if lib.isAttrs value then lib.mapAttrs (_: written) (lib.filterAttrs (_: inner: inner != null) value)
    else if lib.isList value then map written value
    else value;
  plain = written cfg.settings;
  hasBot = plain ? channels && (plain.bot.run or "child") == "unit";

  # Secrets in files, wherever they are in a channel: { name, file }.
  secretsOf = kind: channel: lib.concatMap
    (key: lib.optional (lib.isAttrs channel.${key} && channel.${key} ? file) {
      inherit key;
      name = "${kind}-${key}";
      inherit (channel.${key}) file;
    })
    (lib.attrNames channel);
  credentials = lib.concatLists (lib.mapAttrsToList secretsOf (plain.channels or { }));
  moved = kind: channel: channel // lib.listToAttrs (map
    (secret: lib.nameValuePair secret.key { file = "/run/credentials/heald-bot.service/${secret.name}"; })
    (lib.optionals hasBot (secretsOf kind channel)));
  withBrowser = channels: channels // lib.optionalAttrs (channels ? whatsapp) {
    whatsapp = { browser = lib.getExe pkgs.chromium; } // channels.whatsapp;
  };
  settings = plain // lib.optionalAttrs (plain ? channels) {
    channels = lib.mapAttrs moved (withBrowser plain.channels);
  };

  configFile = pkgs.writeText "heald.yaml" (builtins.toJSON settings);
  units = import ./units.nix {
    inherit lib pkgs config cfg settings configFile hasBot alarm;
    credentials = map (secret: "${secret.name}:${secret.file}") credentials;
  };
  alarm = if !(plain ? channels) then null else import ./alarm.nix {
    inherit lib cfg;
    inherit (plain) channels;
    host = plain.host or null;
  };
in {
  options.services.heald = {
    enable = lib.mkEnableOption "heald, which runs the services of this host and heals them";
    package = mkOption {
      type = types.package;
      default = pkgs.callPackage ./package.nix { withWhatsApp = plain ? channels.whatsapp; };
      defaultText = lib.literalExpression "pkgs.callPackage ./package.nix { }, with WhatsApp where it is configured";
      description = "heald itself.";
    };
    settings = mkOption {
      type = types.submodule { options = import ./settings { inherit lib; }; };
      default = { };
      description = "The configuration, each key under its own name.";
    };
    path = mkOption {
      type = types.listOf types.package;
      default = [ ];
      example = lib.literalExpression "[ pkgs.nodejs ]";
      description = "Packages whose programs services, checks and activations find by name.";
    };
    environmentFiles = mkOption {
      type = types.listOf (types.strMatching "/.*");
      default = [ ];
      example = [ "/run/secrets/heald.env" ];
      description = "Files with the variables that secrets are named by (`{ env = NAME; }`), for the process of the bot alone.";
    };
  };

  config = mkIf cfg.enable (mkMerge [
    {
      assertions = import ./assertions.nix { inherit lib settings; };
      warnings = lib.optional (plain ? ledger.redact)
        "services.heald.settings.ledger.redact is in the Nix store, for everybody on this host to read.";
      environment.systemPackages = [ cfg.package ];
      environment.etc."heald/heald.yaml".source = configFile;
      systemd.services.heald = units.heald;
      systemd.services.heald-recover = units.recover;
      services.heald.settings.bot = mkIf (cfg.settings.channels != null) {
        run = mkDefault "unit";
        # Of the unit alone: a child is of heald's user, and keeps its state in heald's folder.
        user = mkIf (cfg.settings.bot.run == "unit") (mkDefault "heald-bot");
        state = mkIf (cfg.settings.bot.run == "unit") (mkDefault "/var/lib/heald-bot");
      };
    }
    (mkIf (alarm != null) {
      systemd.services.heald-failed = units.down;
      systemd.services.heald-back = units.back;
      systemd.services.heald-again = units.again;
    })
    (mkIf hasBot {
      systemd.services.heald-bot = units.bot;
      users.users.heald-bot = { isSystemUser = true; group = "heald-bot"; };
      users.groups.heald-bot = { };
    })
    (mkIf (hasBot && plain.channels ? whatsapp) {
      systemd.sockets.heald-whatsapp = units.whatsAppSocket;
      systemd.services."heald-whatsapp@" = units.whatsApp;
      users.users.heald-whatsapp = { isSystemUser = true; group = "heald-whatsapp"; };
      users.groups.heald-whatsapp = { };
    })
  ]);
}
