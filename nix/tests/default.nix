# Virtual machines in which harm is done. For nixpkgs: `nix build .#checks.x86_64-linux.crash`, or all by
# `nix flake check`.
{ pkgs, module }:
let
  # A machine with the service `web`, which shows what stands in /srv/site/current/words, and with what `more` adds.
  machine = more: {
    imports = [ module more ];
    services.heald = {
      enable = true;
      path = [ pkgs.python3 ];
      settings.services.web = {
        run = [ "sh" "-c" "test -e words && exec python3 -m http.server 8080 --bind 127.0.0.1" ];
        cwd = "/srv/site/current";
        health = { http = "http://127.0.0.1:8080/words"; every = "500ms"; timeout = "250ms"; startup = "20s"; };
        restart.backoff.base = "100ms";
      };
    };
    systemd.tmpfiles.rules = [
      "d /srv/site/releases/r1 0755 root root"
      "d /srv/site/releases/r2 0755 root root"
      "d /srv/site/releases/r3 0755 root root"
      "f /srv/site/releases/r1/words 0644 root root - one"
      "f /srv/site/releases/r3/words 0644 root root - three"
      "L /srv/site/current - - - - releases/r1"
    ];
    environment.systemPackages = [ pkgs.curl ];
  };
  start = builtins.readFile ./start.py;
  vm = file: pkgs.testers.runNixOSTest (import file { inherit pkgs machine start; });
in {
  crash = vm ./crash.nix;
  rollback = vm ./rollback.nix;
  dead-man = vm ./dead-man.nix;
  tamper = vm ./tamper.nix;
}
