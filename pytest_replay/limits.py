"""Limits: how much of anything a cassette may hold. A cassette may come from anybody, and is not to be trusted.

They are far above what recordings hold, and low enough for a machine to bear what stays below them. What is
recorded keeps to them too: a cassette that could not be read is never written.
"""

MIB = 1 << 20

FILE = 64 * MIB
"""Bytes of a file that holds one cassette. The setting `file_limit` is another number of MiB."""
CASSETTE = 256 * MIB
"""Bytes of all bodies of a cassette, each as it is or decoded, whichever is more."""
BODY = 64 * MIB
"""Bytes of a body, also when its content codings are undone: one that grows beyond is taken for a bomb."""
CODINGS = 2
"""Content codings of a body, one within another."""
MEMBERS = 100
"""Compressed streams one behind another in a body: each costs a copy of what follows it."""
INTERACTIONS = 200_000
"""Interactions of a cassette."""
HEADERS = 10_000
"""Headers of a message."""
NODES = 300_000
"""Scalars and collections in one document of YAML: it takes a second to read as many. There are no aliases, so what
libyaml makes of it is at most two events for each, its beginning and its end."""
CASSETTE_NODES = 5_000_000
"""The same in all documents of a cassette."""
SCALAR = 96 * MIB
"""Characters of a scalar: a body of the largest size in base64."""
DEPTH = 64
"""Levels of collections in a document."""
JSON_DEPTH = 100
"""Levels of JSON, and of other structure in a body. How deep the interpreter would go depends on where it is called."""
JSON_VALUES = 1_000_000
"""Values of a JSON text: one with more is taken for bytes."""
DIGITS = 4300
"""Digits of a whole number: Python reads no more by itself."""
