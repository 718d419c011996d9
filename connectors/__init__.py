"""Where customers speak: one file a kind of source, each exporting `Settings` and `connect`."""
