# The few functions of nixpkgs' lib that nix/ uses, written anew so that its evaluation can be tested where there is no
# nixpkgs and no network. Names, arguments and meaning are those of nixpkgs; a mistake in a value or a type is an error
# here too.
let
  lib = {
    inherit (builtins)
      all any attrNames attrValues concatLists concatMap concatStringsSep elem elemAt filter foldl' functionArgs
      genList hasAttr head isAttrs isBool isFunction isInt isList isPath isString length listToAttrs mapAttrs match
      removeAttrs replaceStrings substring stringLength tail toJSON typeOf;

    # attribute sets
    filterAttrs = keep: set: builtins.listToAttrs (builtins.concatMap
      (name: if keep name set.${name} then [ { inherit name; value = set.${name}; } ] else [ ])
      (builtins.attrNames set));
    mapAttrs' = f: set: builtins.listToAttrs (map (name: f name set.${name}) (builtins.attrNames set));
    mapAttrsToList = f: set: map (name: f name set.${name}) (builtins.attrNames set);
    nameValuePair = name: value: { inherit name value; };
    genAttrs = names: f: builtins.listToAttrs (map (name: { inherit name; value = f name; }) names);
    optionalAttrs = is: set: if is then set else { };
    attrByPath = path: default: set:
      if path == [ ] then set
      else if builtins.isAttrs set && set ? ${builtins.head path}
      then lib.attrByPath (builtins.tail path) default set.${builtins.head path}
      else default;
    setAttrByPath = path: value:
      if path == [ ] then value else { ${builtins.head path} = lib.setAttrByPath (builtins.tail path) value; };
    getAttrFromPath = path: set: lib.attrByPath path (throw "there is no ${lib.showOption path}") set;
    zipAttrsWith = f: sets: lib.genAttrs
      (lib.unique (builtins.concatMap builtins.attrNames sets))
      (name: f name (builtins.concatMap (set: if set ? ${name} then [ set.${name} ] else [ ]) sets));
    foldAttrs = f: start: sets: lib.zipAttrsWith (_: values: lib.foldr f start values) sets;
    recursiveUpdate = one: other:
      if builtins.isAttrs one && builtins.isAttrs other && !(lib.isDerivation other)
      then one // builtins.mapAttrs (name: value: if one ? ${name} then lib.recursiveUpdate one.${name} value else value) other
      else other;
    isDerivation = value: builtins.isAttrs value && (value.type or null) == "derivation";

    # lists
    optional = is: value: if is then [ value ] else [ ];
    optionals = is: list: if is then list else [ ];
    foldr = f: start: list:
      if list == [ ] then start else f (builtins.head list) (lib.foldr f start (builtins.tail list));
    unique = list: builtins.foldl' (seen: value: if builtins.elem value seen then seen else seen ++ [ value ]) [ ] list;
    toList = value: if builtins.isList value then value else [ value ];
    flatten = value: if builtins.isList value then builtins.concatMap lib.flatten value else [ value ];
    init = list: builtins.genList (builtins.elemAt list) (builtins.length list - 1);
    last = list: builtins.elemAt list (builtins.length list - 1);
    imap1 = f: list: builtins.genList (n: f (n + 1) (builtins.elemAt list n)) (builtins.length list);
    flip = f: a: b: f b a;
    const = value: _: value;
    id = value: value;
    pipe = builtins.foldl' (value: f: f value);

    # strings
    concatMapStringsSep = separator: f: list: builtins.concatStringsSep separator (map f list);
    concatStrings = builtins.concatStringsSep "";
    concatLines = lines: builtins.concatStringsSep "\n" lines + "\n";
    hasPrefix = prefix: text: builtins.substring 0 (builtins.stringLength prefix) text == prefix;
    hasSuffix = suffix: text:
      let from = builtins.stringLength text - builtins.stringLength suffix;
      in from >= 0 && builtins.substring from (-1) text == suffix;
    removePrefix = prefix: text:
      if lib.hasPrefix prefix text
      then builtins.substring (builtins.stringLength prefix) (builtins.stringLength text) text
      else text;
    hasInfix = infix: text: builtins.match ".*${lib.escapeRegex infix}.*" text != null;
    escapeRegex = builtins.replaceStrings
      [ "\\" "." "*" "+" "?" "(" ")" "[" "]" "{" "}" "^" "$" "|" ]
      [ "\\\\" "\\." "\\*" "\\+" "\\?" "\\(" "\\)" "\\[" "\\]" "\\{" "\\}" "\\^" "\\$" "\\|" ];
    optionalString = is: text: if is then text else "";
    escapeShellArg = value:
      if builtins.match "[A-Za-z0-9_@%+=:,./-]+" (toString value) != null then toString value
      else "'${builtins.replaceStrings [ "'" ] [ "'\\''" ] (toString value)}'";
    escapeShellArgs = lib.concatMapStringsSep " " lib.escapeShellArg;
    splitString = separator: text: builtins.filter builtins.isString (builtins.split (lib.escapeRegex separator) text);
    importJSON = path: builtins.fromJSON (builtins.readFile path);
    showOption = builtins.concatStringsSep ".";
    makeBinPath = packages: lib.concatMapStringsSep ":" (package: "${package}/bin") packages;
    getExe = package: "${package}/bin/${package.meta.mainProgram or package.pname or package.name}";
    assertMsg = is: message: if is then true else throw message;
    boolToString = value: if value then "true" else "false";
    literalExpression = text: { _type = "literalExpression"; inherit text; };
    licenses.asl20 = { spdxId = "Apache-2.0"; };
    platforms.linux = [ "x86_64-linux" "aarch64-linux" ];
    fileset = {
      unions = roots: { inherit roots; };
      toSource = { root, fileset }: { outPath = toString root; inherit root fileset; };
    };
    types = import ./types.nix lib;
  } // import ./modules.nix lib;
in lib
