# A host whose web server heald runs and heals, and whose own system it rolls back.
#
#   nixos-rebuild switch --flake .#web-1
{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  # Where you have heald: a clone, or the address of its repository.
  inputs.heald.url = "path:/srv/heald";
  inputs.heald.inputs.nixpkgs.follows = "nixpkgs";

  outputs = { nixpkgs, heald, ... }: {
    nixosConfigurations.web-1 = nixpkgs.lib.nixosSystem {
      system = "x86_64-linux";
      modules = [
        heald.nixosModules.default
        ./configuration.nix
      ];
    };
  };
}
