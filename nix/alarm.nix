# Who is told when heald stays down and when it is back, by one request of a program that needs nothing of heald:
# { down, back, secret }, or null where no chat can be told so.
{ lib, cfg, channels, host }:
let
  # The first of them that is written, with the token in a file that is there while nothing of heald runs.
  able = lib.concatMap
    ({ kind, token, chats, api, usual }:
      let channel = channels.${kind} or { };
      in lib.optional (channel ? ${token}.file && !lib.hasPrefix "/run/credentials/" channel.${token}.file) {
        inherit kind;
        secret = channel.${token}.file;
        chat = toString (lib.head (lib.toList channel.${chats}));
        api = channel.${api} or usual;
      })
    [
      { kind = "discord"; token = "token"; chats = "channels"; api = "apiUrl"; usual = "https://discord.com/api"; }
      { kind = "slack"; token = "botToken"; chats = "channels"; api = "apiUrl"; usual = "https://slack.com/api/"; }
      { kind = "telegram"; token = "token"; chats = "chats"; api = "apiRoot"; usual = "https://api.telegram.org"; }
    ];
  # Methods are put behind Slack's.
  addressOf = { kind, api, ... }: if kind == "slack" && !lib.hasSuffix "/" api then "${api}/" else api;
  quoted = import ./quoted.nix { inherit lib; };
  first = lib.head able;
  saying = text: lib.concatStringsSep " " (
    [ "${cfg.package}/libexec/heald-failed" ]
    ++ map quoted [ first.kind (addressOf first) first.chat ]
    # systemd puts the host's name in the place of %H.
    ++ [ "\"${if host == null then "%H" else host}: ${text}\"" ]
  );
in
if able == [ ] then null else {
  inherit (first) secret;
  down = saying ("heald is down, and systemd has given up starting it; it is tried again every 10 minutes until it runs, "
    + "and you are told more and more rarely, and when it is back");
  back = saying "heald is back: it has run for 10 minutes without a break";
}
