{ pkgs, ... }: {
  services.heald = {
    enable = true;
    path = [ pkgs.nodejs ];
    settings = {
      host = "web-1";
      tz = "Europe/Berlin";

      services.web = {
        run = [ "node" "server.js" ];
        cwd = "/srv/web/current";
        user = "web";
        env.PORT = "8080";
        health = { http = "http://127.0.0.1:8080/healthz"; every = "2s"; timeout = "500ms"; };
        target = "web";
      };
      services.worker = {
        run = [ "node" "worker.js" ];
        cwd = "/srv/web/current";
        user = "web";
        dependsOn = [ "web" ];
        crashLoop = { failures = 5; within = "2m"; };
      };

      # A folder of releases, and the system itself: what breaks after a switch is led back.
      targets.web = { kind = "releases"; path = "/srv/web"; user = "web"; };
      targets.system = {
        kind = "nixos";
        checks = [ { tcp = "127.0.0.1:22"; } ];
      };
      switch.probation = "5m";

      # The tokens are files that only root may read; the bot's unit is given them as credentials.
      channels.telegram = { token.file = "/run/secrets/telegram"; chats = [ (-1001234567890) ]; };
      channels.slack = {
        botToken.file = "/run/secrets/slack-bot";
        appToken.file = "/run/secrets/slack-app";
        channels = [ "C012AB3CD" ];
      };
      routes = [
        { match.severity = "critical"; to = [ "telegram" "slack" ]; }
        { to = "slack"; }
      ];
      escalation = [ { after = "5m"; to = [ "telegram" ]; } ];
    };
  };

  users.users.web = { isSystemUser = true; group = "web"; };
  users.groups.web = { };
}
