# package.json and package-lock.json as nixpkgs' importNpmLock wants them.
#
# 1. The lock names no host, so that any registry will do; here each package gets the address it has in one.
# 2. What a clone needs beside heald is left out: the Node in test/node (nixpkgs has its own), and the linter.
# 3. So is what is for other machines, and without WhatsApp what only it needs.
{ lib, manifest, lock, registry, platform, arch, withWhatsApp }:
let
  optional = lib.optionalAttrs withWhatsApp { inherit (manifest) optionalDependencies; };
  plain = set: removeAttrs set [ "workspaces" "optionalDependencies" ]
    // { devDependencies = removeAttrs set.devDependencies [ "@biomejs/biome" ]; }
    // optional;

  fits = allowed: mine: allowed == null || lib.elem mine allowed;
  isWanted = path: entry:
    lib.hasPrefix "node_modules/" path
    && !(entry.link or false)
    && !(lib.hasPrefix "node_modules/@biomejs/" path || lib.hasPrefix "node_modules/node-linux-" path)
    && fits (entry.os or null) platform
    && fits (entry.cpu or null) arch
    && (withWhatsApp || !(entry.optional or false) || entry.dev or false);

  # Of node_modules/a/node_modules/@b/c it is @b/c; an alias says its name itself.
  nameOf = path: entry: entry.name or (lib.last (lib.splitString "node_modules/" path));
  addressed = path: entry:
    let name = nameOf path entry; in
    entry // { resolved = "${registry}/${name}/-/${lib.last (lib.splitString "/" name)}-${entry.version}.tgz"; };
in {
  package = plain manifest;
  packageLock = lock // {
    packages = { "" = plain lock.packages.""; }
      // lib.mapAttrs addressed (lib.filterAttrs isWanted lock.packages);
  };
}
