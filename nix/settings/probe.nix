# One check of a service or a target: exactly one of http, tcp, exec, file and unit, and what goes with it.
{ values }:
let inherit (values) key; in {
  http = key values.http "http://127.0.0.1:8080/healthz" "A URL; any status from 200 to 399 passes.";
  tcp = key values.address "127.0.0.1:5432" "Passes when the connection is accepted.";
  exec = key values.command [ "/run/current-system/sw/bin/test" "-e" "/run/app.ready" ] "A command; exit code 0 passes.";
  file = key values.text "/run/app/heartbeat" "A file that the service touches while it is well; from its cwd unless absolute.";
  unit = key values.unit "agent.service" "A unit of systemd; passes while it is active.";
  every = key values.duration "2s" "How often to ask.";
  timeout = key values.duration "500ms" "How long an answer may take, at most `every`.";
  failures = key (values.integer 1 1000) 3 "Misses in a row that mean \"not well\".";
  successes = key (values.integer 1 1000) 2 "Passes in a row that mean \"well again\".";
  startup = key values.duration "15s" "How long a start may take.";
  status = key (values.integer 100 599) 204 "The only status that passes.";
  contains = key values.text "\"ok\"" "Text that the answer has to contain.";
  maxAge = key values.duration "10s" "How old the file may be.";
}
