"""What each `guike` command does. `pipelines.cli` assembles them; heavy imports stay inside the commands."""
