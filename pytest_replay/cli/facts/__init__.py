"""What the command tells of cassettes: computed of what is on the tape, and plain. Knows no terminal."""
