"""The commands: each takes its words apart, has its facts computed, and shows them. Their help is their text."""
