"""Keys of people and members: keystores, signers, signature recovery, one fresh key per asset."""
