# Types check what is defined, to the last value, and merge definitions of the same priority.
lib:
let
  inherit (lib) showOption;

  mkType = { name, description, check, merge ? mergeOne, getSubOptions ? _: { }, emptyValue ? { } }: {
    _type = "option-type";
    inherit name description check merge getSubOptions emptyValue;
  };

  # Of several definitions all have to be the same.
  mergeOne = path: definitions:
    let first = (builtins.head definitions).value; in
    if builtins.all (def: def.value == first) definitions then first
    else throw "The option `${showOption path}' has conflicting definitions in ${lib.concatMapStringsSep " and " (def: def.file) definitions}";

  isStringLike = value: builtins.isString value || lib.isDerivation value || (builtins.isAttrs value && value ? outPath);

  valueAt = path: type: file: value:
    (lib.mergeDefinitions path type [ { inherit file value; } ]).value;
in rec {
  inherit mkType;

  str = mkType { name = "str"; description = "string"; check = builtins.isString; };
  nonEmptyStr = mkType {
    name = "nonEmptyStr";
    description = "non-empty string";
    check = value: builtins.isString value && builtins.match "[ \t\n]*" value == null;
  };
  lines = str // {
    name = "lines";
    merge = _: definitions: lib.concatMapStringsSep "\n" (def: def.value) definitions;
  };
  strMatching = pattern: mkType {
    name = "strMatching";
    description = "string matching the pattern ${pattern}";
    check = value: builtins.isString value && builtins.match pattern value != null;
  };
  bool = mkType { name = "bool"; description = "boolean"; check = builtins.isBool; };
  int = mkType { name = "int"; description = "signed integer"; check = builtins.isInt; };
  ints = {
    between = low: high: mkType {
      name = "intBetween";
      description = "integer between ${toString low} and ${toString high} (both inclusive)";
      check = value: builtins.isInt value && value >= low && value <= high;
    };
    positive = mkType { name = "positiveInt"; description = "positive integer"; check = value: builtins.isInt value && value > 0; };
    unsigned = mkType { name = "unsignedInt"; description = "unsigned integer"; check = value: builtins.isInt value && value >= 0; };
  };
  port = ints.between 0 65535;
  path = mkType {
    name = "path";
    description = "absolute path";
    check = value: builtins.isPath value || (isStringLike value && lib.hasPrefix "/" (toString value));
  };
  package = mkType { name = "package"; description = "package"; check = value: lib.isDerivation value; };
  enum = values: mkType {
    name = "enum";
    description = "one of ${lib.concatMapStringsSep ", " builtins.toJSON values}";
    check = value: builtins.elem value values;
  };
  raw = mkType { name = "raw"; description = "raw value"; check = _: true; };
  unspecified = raw;

  nullOr = type: mkType {
    name = "nullOr";
    description = "null or ${type.description}";
    check = value: value == null || type.check value;
    merge = path: definitions:
      let given = builtins.filter (def: def.value != null) definitions; in
      if given == [ ] then null
      else if builtins.length given < builtins.length definitions
      then throw "The option `${showOption path}' is defined both null and not null."
      else type.merge path given;
    inherit (type) getSubOptions;
    emptyValue.value = null;
  };

  either = one: other: mkType {
    name = "either";
    description = "${one.description} or ${other.description}";
    check = value: one.check value || other.check value;
    merge = path: definitions:
      if builtins.all (def: one.check def.value) definitions then one.merge path definitions
      else if builtins.all (def: other.check def.value) definitions then other.merge path definitions
      else mergeOne path definitions;
  };
  oneOf = choices: builtins.foldl' either (builtins.head choices) (builtins.tail choices);

  listOf = type: mkType {
    name = "listOf";
    description = "list of ${type.description}";
    # As nixpkgs: what is in it is looked at when it is merged.
    check = builtins.isList;
    merge = path: definitions: builtins.concatMap (def: lib.imap1
      (n: value: valueAt (path ++ [ "[definition ${toString n}]" ]) type def.file value) def.value) definitions;
    getSubOptions = prefix: type.getSubOptions (prefix ++ [ "*" ]);
    emptyValue.value = [ ];
  };
  nonEmptyListOf = type: listOf type // {
    name = "nonEmptyListOf";
    description = "non-empty list of ${type.description}";
    check = value: builtins.isList value && value != [ ];
    emptyValue = { };
  };

  attrsOf = type: mkType {
    name = "attrsOf";
    description = "attribute set of ${type.description}";
    check = value: builtins.isAttrs value;
    merge = path: definitions:
      let
        names = lib.unique (builtins.concatMap (def: builtins.attrNames def.value) definitions);
        merged = name: lib.mergeDefinitions (path ++ [ name ]) type (builtins.concatMap
          (def: if def.value ? ${name} then [ { inherit (def) file; value = def.value.${name}; } ] else [ ]) definitions);
      in builtins.mapAttrs (_: found: found.value)
        (lib.filterAttrs (_: found: found != null) (lib.genAttrs names merged));
    getSubOptions = prefix: type.getSubOptions (prefix ++ [ "*" ]);
    emptyValue.value = { };
  };

  submodule = module: mkType {
    name = "submodule";
    description = "submodule";
    check = value: builtins.isAttrs value || builtins.isFunction value || builtins.isPath value;
    merge = path: definitions: (lib.evalModules {
      modules = [ module ] ++ map (def: def.value) definitions;
      prefix = path;
      specialArgs.name = lib.last path;
    }).config;
    getSubOptions = prefix: (lib.evalModules { modules = [ module ]; inherit prefix; specialArgs.name = "*"; }).options;
    emptyValue.value = { };
  };

  addCheck = type: check: type // { check = value: type.check value && check value; };
  coercedTo = from: coerce: to: to // {
    name = "coercedTo";
    description = "${to.description} or ${from.description} convertible to it";
    check = value: (from.check value && to.check (coerce value)) || to.check value;
    merge = path: definitions: to.merge path
      (map (def: def // { value = if from.check def.value then coerce def.value else def.value; }) definitions);
  };
}
