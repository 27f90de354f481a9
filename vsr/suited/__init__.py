"""Which family of weights suits a source: clean pictures, or recordings."""
