{ values }:
let
  inherit (values) key section;
  secret = file: env: section {
    file = key values.secretFile file "The file with the secret in it alone. The bot's unit is given it as a credential.";
    env = key (values.matching "[A-Za-z_][A-Za-z0-9_]*" "name of an environment variable") env
      "The variable that holds it; see services.heald.environmentFiles.";
  } { inherit file; } "Where the secret is, never the secret itself: a file or a variable.";
  everywhere = {
    quietHours = key values.hours "22:00-07:00" "When only what is critical makes a sound.";
    digest = key values.clock "08:00" "When the rest is told, in one message.";
  };
  snowflake = values.matching "[1-9][0-9]{0,19}" "number of a Discord channel, in quotes";
in {
  telegram = section ({
    token = secret "/run/secrets/telegram" "TELEGRAM_TOKEN";
    chats = key (values.some "number of a chat" values.chatNumber) [ (-1001234567890) ] "The chats that notices go to.";
    apiRoot = key values.http "https://api.telegram.org" "The Bot API server.";
  } // everywhere) { token.file = "/run/secrets/telegram"; chats = [ (-1001234567890) ]; } "Telegram.";
  discord = section ({
    token = secret "/run/secrets/discord" "DISCORD_TOKEN";
    channels = key (values.some "number of a Discord channel, in quotes" snowflake) [ "112233445566778899" ] "The channels that notices go to.";
    apiUrl = key values.http "https://discord.com/api" "Where its API is.";
  } // everywhere) { token.file = "/run/secrets/discord"; channels = [ "112233445566778899" ]; } "Discord.";
  slack = section ({
    botToken = secret "/run/secrets/slack-bot" "SLACK_BOT_TOKEN";
    appToken = secret "/run/secrets/slack-app" "SLACK_APP_TOKEN";
    signingSecret = secret "/run/secrets/slack-signing" "SLACK_SIGNING_SECRET";
    port = key (values.integer 1 65535) 8090 "The port of 127.0.0.1 on which its requests come in, by HTTP.";
    channels = key (values.some "id of a Slack channel" (values.matching "[CGD][A-Z0-9]{2,24}" "id of a Slack channel")) [ "C012AB3CD" ] "The channels that notices go to.";
    apiUrl = key values.http "https://slack.com/api/" "Where its API is.";
  } // everywhere) { botToken.file = "/run/secrets/slack-bot"; appToken.file = "/run/secrets/slack-app"; channels = [ "C012AB3CD" ]; } "Slack.";
  whatsapp = section ({
    chats = key (values.some "id of a WhatsApp chat" (values.matching "[0-9-]+@[cg][.]us" "id of a WhatsApp chat")) [ "4915112345678@c.us" ] "The chats that notices go to.";
    browser = key values.file "/run/current-system/sw/bin/chromium" "A Chromium; that of nixpkgs unless written.";
    browserArgs = key (values.listOf values.text) [ "--disable-gpu" ] "Arguments for it.";
  } // everywhere) { chats = [ "4915112345678@c.us" ]; } "WhatsApp, by an unofficial library: for alerts, and never alone.";
  console = section everywhere { } "The bot's own output: `journalctl -u heald-bot`.";
}
