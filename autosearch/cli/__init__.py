"""The command line: `autosearch tune`, `replay`, `export`, `show`."""
