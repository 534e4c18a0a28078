"""What a method may not leave changed in the process that it shares with the harness and the methods after it."""
