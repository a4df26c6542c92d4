# A word of a command line, as systemd reads it.
{ lib }:
word: "\"${lib.replaceStrings [ "\\" "\"" "%" "$" ] [ "\\\\" "\\\"" "%%" "$$" ] word}\""
