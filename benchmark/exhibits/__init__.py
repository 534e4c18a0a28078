"""Tables and figures as data: TOML -> cells -> runs, and what runs need from outside."""
