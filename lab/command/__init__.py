"""What the command `lab` is made of."""
