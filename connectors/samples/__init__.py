"""What a made-up shop's customers wrote: the sources that a fresh installation starts with."""
