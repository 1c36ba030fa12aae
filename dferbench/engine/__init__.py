"""The engine: everything that happens between a method's encode, forward and loss. It knows no method."""
