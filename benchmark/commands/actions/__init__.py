"""The work of the commands of `bench`. A command imports its action when it is called, not for its --help."""
