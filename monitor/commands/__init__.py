"""The subcommands of `ohlas`, one file each."""
