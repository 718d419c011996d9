"""One TOML file a language: what replies are made of, for people who do not program."""
