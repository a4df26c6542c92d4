# package.json and package-lock.json as nixpkgs' importNpmLock wants them.
#
# 1. What a clone needs beside heald is left out: the Node in test/node (nixpkgs has its own), and the linter. Without
#    WhatsApp so is whatsapp-web.js.
# 2. Of the lock only what is needed from there is kept: everything in it would be fetched, for other machines too.
# 3. The lock names no host, so that any registry will do; here each package gets the address it has in one.
{ lib, manifest, lock, registry, platform, arch, withWhatsApp }:
let
  plain = set: removeAttrs set ([ "workspaces" ] ++ lib.optional (!withWhatsApp) "optionalDependencies")
    // { devDependencies = removeAttrs set.devDependencies [ "@biomejs/biome" ]; };
  root = plain lock.packages."";

  fits = allowed: mine: allowed == null || lib.elem mine allowed;
  isFor = entry: fits (entry.os or null) platform && fits (entry.cpu or null) arch;

  # Where Node finds a package that the one at `from` names: in its own node_modules, else in the ones around it.
  find = from: name:
    let
      here = if from == "" then "node_modules/${name}" else "${from}/node_modules/${name}";
      around = lib.concatStringsSep "/node_modules/" (lib.init (lib.splitString "/node_modules/" from));
    in
      if lib.hasAttr here lock.packages then lib.optional (isFor lock.packages.${here}) here
      else if from == "" then [ ]
      else find (if lib.hasInfix "/node_modules/" from then around else "") name;
  # Optional ones are in the lock, or are not for this machine; so are the peers that have to be there.
  neededBy = from: entry: lib.concatMap (find from) (lib.attrNames (
    (entry.peerDependencies or { }) // (entry.optionalDependencies or { }) // (entry.devDependencies or { })
    // (entry.dependencies or { })
  ));
  needed = map (it: it.key) (builtins.genericClosure {
    startSet = map (key: { inherit key; }) (neededBy "" root);
    # What a package needs for its own development is nobody's concern.
    operator = { key }: map (key: { inherit key; })
      (neededBy key (removeAttrs lock.packages.${key} [ "devDependencies" ]));
  });

  # Of node_modules/a/node_modules/@b/c it is @b/c; an alias says its name itself.
  nameOf = path: entry: entry.name or (lib.last (lib.splitString "node_modules/" path));
  addressed = path:
    let
      entry = lock.packages.${path};
      name = nameOf path entry;
    in entry // { resolved = "${registry}/${name}/-/${lib.last (lib.splitString "/" name)}-${entry.version}.tgz"; };
in {
  package = plain manifest;
  packageLock = lock // { packages = { "" = root; } // lib.genAttrs needed addressed; };
}
