"""`guike system add`: what a source holds, what that means, and the files that say so to Guike."""
