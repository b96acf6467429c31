"""The stand-in for AWS: a proxy in front of `ministack` that corrects its known lies."""
