# Who may give orders, and what it takes.
{ values }:
let
  inherit (values) key section;
  role = key (values.enum [ "viewer" "operator" "admin" ]);
  snowflake = values.matching "[1-9][0-9]{0,19}" "number of a Discord account, in quotes";
  member = values.matching "([TE][A-Z0-9]{2,24}/)?[UW][A-Z0-9]{2,24}" "member ID of a Slack account";
in {
  operators = values.named {
    options = {
      role = role "operator" "What they may do. Required.";
      telegram = key (values.some "number of a Telegram account" values.account) [ 1001 ] "Their accounts on Telegram.";
      discord = key (values.some "number of a Discord account, in quotes" snowflake) [ "112233445566778899" ] "Their accounts on Discord.";
      slack = key (values.some "member ID of a Slack account" member) [ "U01AB2CD3" ] "Their accounts on Slack.";
      totp = section {
        file = key values.secretFile "/run/secrets/totp-alice" "The file with the secret in it alone; root reads it.";
        env = key (values.matching "[A-Za-z_][A-Za-z0-9_]*" "name of an environment variable") "TOTP_ALICE" "The variable that holds it.";
      } { file = "/run/secrets/totp-alice"; } "Where the secret of their one-time codes is.";
    };
  } { alice = { role = "admin"; telegram = 1001; }; } "People who may give orders, by a name of your own.";
  policy = values.named {
    options = {
      role = role "admin" "Who may ask for it.";
      approvals = key (values.integer 0 10) 1 "How many others have to approve it.";
      code = key values.bool true "Whether it takes a one-time code.";
      expire = key values.duration "10m" "How long it waits to be approved.";
    };
  } { rollback = { role = "operator"; approvals = 1; }; } "What it takes to give an order, by its word.";
  oncall = key (values.some "name of an operator" values.text) [ "alice" ] "Who is on call.";
}
