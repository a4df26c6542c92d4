# Modules as nixpkgs has them: imports, options, config, mkIf, mkMerge, priorities, types that check and merge.
#
# 1. Modules are collected along `imports`; one that has neither `options` nor `config` is all config.
# 2. Options are declared by all of them together; definitions are pushed down to the option they are for, with mkIf and
#    mkMerge dissolved on the way.
# 3. The definitions of the highest priority are checked and merged by the option's type. What nobody declared is an error.
lib:
let
  inherit (lib) concatMap showOption;

  hasType = type: value: builtins.isAttrs value && (value._type or null) == type;
  isOption = hasType "option";

  mkOverride = priority: content: { _type = "override"; inherit priority content; };
  defaultPriority = 100;

  # A module in any of its forms, as a list of { options, config, file } with its imports behind it.
  collect = args: module:
    let
      file = if builtins.isPath module || builtins.isString module then toString module else "(inline)";
      loaded = if builtins.isPath module || builtins.isString module then import module else module;
      wanted = builtins.functionArgs loaded;
      # An argument that is not there is an error when it is used, as in nixpkgs.
      given = if wanted == { } then args else builtins.mapAttrs
        (name: hasDefault: args.${name} or (throw "there is no module argument ${name}, which ${file} wants"))
        (lib.filterAttrs (name: hasDefault: !hasDefault || args ? ${name}) wanted);
      value = if builtins.isFunction loaded then loaded (args // given) else loaded;
      isLong = value ? options || value ? config;
      odd = builtins.removeAttrs value [ "imports" "options" "config" "_file" "key" "meta" ];
      own = {
        inherit file;
        options = value.options or { };
        config = if isLong then value.config or { } else builtins.removeAttrs value [ "imports" "_file" "key" ];
      };
    in
      if isLong && odd != { }
      then throw "${file} has options or config, and beside them ${toString (builtins.attrNames odd)}"
      else [ own ] ++ concatMap (collect args) (value.imports or [ ]);

  # Declarations of all modules as one tree whose leaves are options.
  mergeDeclarations = path: trees: lib.zipAttrsWith (name: found:
    let here = path ++ [ name ]; in
    if builtins.all isOption found then
      if builtins.length found == 1 then builtins.head found
      else throw "the option ${showOption here} is declared twice"
    else if builtins.any isOption found then throw "${showOption here} is an option and has options below it"
    else mergeDeclarations here found) trees;

  # Definitions { file, value } of attribute sets, by name, with mkIf, mkMerge and mkOverride moved inwards.
  pushDown = { file, value }:
    if hasType "merge" value then concatMap (content: pushDown { inherit file; value = content; }) value.contents
    else if hasType "if" value then map
      (set: { inherit file; value = builtins.mapAttrs (_: mkIf value.condition) set.value; })
      (pushDown { inherit file; value = value.content; })
    else if hasType "override" value then map
      (set: { inherit file; value = builtins.mapAttrs (_: mkOverride value.priority) set.value; })
      (pushDown { inherit file; value = value.content; })
    else if builtins.isAttrs value then [ { inherit file value; } ]
    else throw "${file} defines ${builtins.typeOf value} where a set is wanted";

  # One definition of an option as plain ones with their priority.
  dissolve = priority: { file, value }:
    if hasType "merge" value then concatMap (content: dissolve priority { inherit file; value = content; }) value.contents
    else if hasType "if" value then
      if value.condition then dissolve priority { inherit file; value = value.content; } else [ ]
    else if hasType "override" value then dissolve value.priority { inherit file; value = value.content; }
    else [ { inherit file value priority; } ];

  mergeDefinitions = path: type: definitions:
    let
      plain = concatMap (dissolve defaultPriority) definitions;
      best = builtins.foldl' (least: def: if def.priority < least then def.priority else least) 9999 plain;
      winners = builtins.filter (def: def.priority == best) plain;
      bad = builtins.filter (def: !(type.check def.value)) winners;
    in
      if winners == [ ] then null
      else if bad != [ ] then throw
        "A definition for option `${showOption path}' is not of type `${type.description}'. It is: ${shown (builtins.head bad).value} in ${(builtins.head bad).file}"
      else { value = type.merge path winners; };

  shown = value:
    if builtins.isFunction value then "a function"
    else if builtins.isAttrs value then "a set with ${toString (builtins.attrNames value)}"
    else if builtins.isList value then "a list"
    else builtins.toJSON value;

  # Values of a tree of options, and what has been defined that is none of them.
  evaluate = path: tree: definitions:
    let
      sets = concatMap pushDown definitions;
      unknown = lib.unique (concatMap
        (def: builtins.filter (name: !(tree ? ${name})) (builtins.attrNames def.value)) sets);
      at = name: concatMap
        (def: if def.value ? ${name} then [ { inherit (def) file; value = def.value.${name}; } ] else [ ]) sets;
      valueOf = name: node:
        let here = path ++ [ name ]; in
        if !isOption node then evaluate here node (at name)
        else
          let merged = mergeDefinitions here node.type
            (at name ++ lib.optional (node ? default) { file = "(default)"; value = mkOverride 1500 node.default; });
          in
            if merged == null then node.type.emptyValue.value
              or (throw "The option `${showOption here}' is used but not defined.")
            else (node.apply or lib.id) merged.value;
    in
      if unknown != [ ] then throw "The option `${showOption (path ++ [ (builtins.head unknown) ])}' does not exist."
      else builtins.mapAttrs valueOf tree;

  mkIf = condition: content: { _type = "if"; inherit condition content; };
in {
  inherit isOption mkIf mkOverride mergeDefinitions;
  mkMerge = contents: { _type = "merge"; inherit contents; };
  mkDefault = mkOverride 1000;
  mkForce = mkOverride 50;
  mkOptionDefault = mkOverride 1500;

  mkOption = { type, ... }@declared:
    let odd = builtins.removeAttrs declared [ "type" "default" "defaultText" "description" "example" "apply" "internal" "visible" "readOnly" ];
    in if odd != { } then throw "mkOption knows no ${toString (builtins.attrNames odd)}"
    else declared // { _type = "option"; };
  mkEnableOption = what: {
    _type = "option";
    type = lib.types.bool;
    default = false;
    example = true;
    description = "Whether to enable ${what}.";
  };

  evalModules = { modules, specialArgs ? { }, prefix ? [ ] }:
    let
      args = { inherit lib; } // specialArgs // { inherit config options; };
      found = concatMap (collect args) modules;
      options = mergeDeclarations prefix (map (module: module.options) found);
      config = evaluate prefix options (map (module: { inherit (module) file; value = module.config; }) found);
    in { inherit options config; };
}
