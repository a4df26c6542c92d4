# Who is told of what, and when.
{ values }:
let
  inherit (values) key section list;
  match = section {
    severity = key (values.some "severity" (values.enum [ "info" "warning" "critical" ])) [ "critical" ] "How bad it is.";
    service = key (values.some "name of a service" values.pattern) "web-*" "Which service it is about.";
    kind = key (values.some "kind of notice" (values.enum [ "incident" "switch" "channel" "ledger" "silence" "command" ])) [ "incident" "switch" ] "What it is about.";
  } { severity = "critical"; } "What it fits; each that is written has to.";
  to = key values.channels [ "telegram" "slack" ] "The channels; [ ] is nowhere. Required.";
in {
  routes = list {
    inherit match to;
    grace = key values.duration "2m" "An incident that is over within this makes no sound.";
  } [ { match.severity = "critical"; to = [ "telegram" "slack" ]; } { to = "slack"; } ]
    "The first one that fits says where a notice goes; without any, everything goes everywhere.";
  notify = section {
    logs = key values.bool true "Whether the last lines that a service wrote may go to chats.";
    flap = section {
      changes = key (values.integer 2 1000) 4 "So many incidents of one service become one message.";
      within = key values.duration "10m" "In which time.";
    } { changes = 6; } "A service that comes and goes.";
  } { logs = true; } "What is in a notice.";
  escalation = list {
    after = key values.duration "5m" "How long the incident has been open. Required.";
    unless = key (values.enum [ "acked" "resolved" ]) "acked" "What ends it.";
    inherit to;
  } [ { after = "5m"; to = [ "telegram" ]; } ] "Whom to call when nobody takes care of an incident; the earliest first.";
  fallback = key values.command [ "/run/current-system/sw/bin/call-somebody" ]
    "A command that is run, with the incident as JSON on its input, when an escalation reached nobody.";
  maintenance = list {
    inherit match;
    from = key values.moment "2026-11-30T22:00" "When it begins, once.";
    to = key values.moment "2026-12-01T02:00" "When it ends.";
    cron = key values.cron "0 3 * * SUN" "When it begins again and again.";
    for = key values.duration "1h" "How long it then lasts.";
    why = key values.text "backup" "What people are told about it.";
  } [ { cron = "0 3 * * SUN"; for = "1h"; why = "backup"; } ] "When notices make no sound.";
}
