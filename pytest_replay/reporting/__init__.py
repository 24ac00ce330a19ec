"""What a run tells of its cassettes."""
