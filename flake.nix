{
  description = "A self-healing daemon for a Linux host, with a tamper-evident ledger of every step";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" ];
      each = f: nixpkgs.lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});
    in {
      packages = each (pkgs: rec {
        heald = pkgs.callPackage ./nix/package.nix { };
        heald-whatsapp = pkgs.callPackage ./nix/package.nix { withWhatsApp = true; };
        default = heald;
      });

      nixosModules = rec {
        heald = ./nix/module.nix;
        default = heald;
      };

      overlays.default = final: _: { heald = final.callPackage ./nix/package.nix { }; };

      # `nix flake check` boots a virtual machine for each.
      checks = each (pkgs: import ./nix/tests { inherit pkgs; module = self.nixosModules.default; });

      templates.default = {
        path = ./nix/example;
        description = "A host whose services heald heals";
      };
    };
}
